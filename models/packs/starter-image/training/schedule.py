"""The noise schedule, and the sampler that training checks and evaluation use: DPM-Solver++ 2M (Lu et al. 2022, algorithm 2)."""
import numpy as np

CONFIG = {
    "_class_name": "DPMSolverMultistepScheduler", "num_train_timesteps": 1000,
    "beta_start": 0.00085, "beta_end": 0.02, "beta_schedule": "scaled_linear", "prediction_type": "v_prediction",
    "algorithm_type": "dpmsolver++", "solver_type": "midpoint", "solver_order": 2, "lower_order_final": True,
    "timestep_spacing": "linspace", "final_sigmas_type": "zero", "steps_offset": 0, "trained_betas": None,
    "thresholding": False, "use_karras_sigmas": False, "euler_at_final": False,
}


def alpha_bars():
    """Cumulated alphas `[1000] float64`."""
    betas = np.linspace(CONFIG["beta_start"] ** 0.5, CONFIG["beta_end"] ** 0.5, CONFIG["num_train_timesteps"]) ** 2
    return np.cumprod(1 - betas)


def sample(predict_v, noise, steps):
    """Runs `predict_v(x, t) -> v` from unit noise to clean latents, both `[B, 8, h, w] float32`."""
    bars = alpha_bars()
    times = np.linspace(0, len(bars) - 1, steps + 1).round()[::-1][:-1].astype(int)
    alpha = np.append(np.sqrt(bars[times]), 1.0)
    sigma = np.append(np.sqrt(1 - bars[times]), 0.0)
    with np.errstate(divide="ignore"):
        half_log_snr = np.log(alpha) - np.log(sigma)
    x, before = noise.astype(np.float32), None
    for i, t in enumerate(times):
        clean = alpha[i] * x - sigma[i] * predict_v(x, int(t))
        h = half_log_snr[i + 1] - half_log_snr[i]
        last = i == steps - 1
        if before is None or last:
            guess = clean
        else:
            r = (half_log_snr[i] - half_log_snr[i - 1]) / h
            guess = clean + (clean - before) / (2 * r)
        x = (sigma[i + 1] / sigma[i] * x - alpha[i + 1] * np.expm1(-h) * guess).astype(np.float32)
        before = clean
    return x
