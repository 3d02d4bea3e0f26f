"""Parameters of every schedule, by the class's name."""

CONFIGS = {
    "CosineDecay": [
        {"initial_learning_rate": 0.1, "decay_steps": 1000},
        {"initial_learning_rate": 0.0, "decay_steps": 40.5, "alpha": 0.1, "warmup_target": 0.05, "warmup_steps": 5},
    ],
    "CosineDecayRestarts": [
        {"initial_learning_rate": 0.1, "first_decay_steps": 10},
        {"initial_learning_rate": 0.1, "first_decay_steps": 7.5, "t_mul": 1.0, "m_mul": 0.5, "alpha": 0.1, "name": "r"},
    ],
    "ExponentialDecay": [
        {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.9},
        {"initial_learning_rate": 0.05, "decay_steps": 7, "decay_rate": 0.5, "staircase": True, "name": "größer"},
    ],
    "InverseTimeDecay": [
        {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5},
        {"initial_learning_rate": 0.05, "decay_steps": 2.5, "decay_rate": 1.5, "staircase": True},
    ],
    "PiecewiseConstantDecay": [
        {"boundaries": [10, 30], "values": [0.1, 0.05, 0.01]},
        {"boundaries": [5.5], "values": [0.05, 0.1], "name": "p"},
    ],
    "PolynomialDecay": [
        {"initial_learning_rate": 0.1, "decay_steps": 40},
        {"initial_learning_rate": 0.1, "decay_steps": 10, "end_learning_rate": 0.01, "power": 0.5, "cycle": True},
    ],
}
CASES = [(name, config) for name, configs in CONFIGS.items() for config in configs]
