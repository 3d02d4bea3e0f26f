"""enable_x64 of JAX, which is in another module before JAX 0.8."""

import jax
import jax.experimental

enable_x64 = jax.enable_x64 if hasattr(jax, "enable_x64") else jax.experimental.enable_x64
