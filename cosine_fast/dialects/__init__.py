"""Schedules of other systems by their own names, parameters and steps, without these systems.

A module for each: `composer`, `deepspeed`, `fairseq`, `megatron`, `optax`, `timm`, `torch`, `torchtitan` and
`transformers`. Their functions return ordinary schedules of this package, for a simulator, a notebook or a training
loop. A rate equals the original's at every whole step, past the end too, but for the original's own rounding;
the page on dialects lists what is equal, what differs and what is refused. Where an original takes an
optimizer and reads its rate, the function takes `learning_rate`, the rate of one parameter group. `import cosine_fast`
does not import this package.

>>> from cosine_fast.dialects import timm
>>> schedule = timm.CosineLRScheduler(1e-3, t_initial=100, lr_min=1e-5, warmup_t=10, warmup_prefix=True)
>>> schedule([0, 5, 10, 60, 110])
array([0.00e+00, 5.00e-04, 1.00e-03, 5.05e-04, 1.00e-05])
"""
