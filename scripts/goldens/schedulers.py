"""Runs diffusers' schedulers on a fixed toy denoiser for the scheduler goldens.

    python scripts/goldens/schedulers.py pipelines/schedulers/goldens

Needs torch, scipy and diffusers (made with revision 58eb52c0803ea9af3abec60841c2a093bdf1f951, torch 2.13.0). One file
per scheduler class; each case holds a config, the plan, the timesteps, the sigmas, the first deviation and the
first 8 of the sample's 16 values after every evaluation.

The toy denoiser answers with sums and products only, which both sides round alike to a few units in the last place:

    g = (timestep % 1000) / 1000
    output[i] = x[i] * (0.1 + 0.6 * g) + 0.05 * x[(i + 1) % 16] + 0.1 * w[i],    w[i] = ((7 * i) % 16) / 16 - 0.5

where x is the scaled model input. The first sample is torch.randn(16) of seed 1234 times the scheduler's first
deviation; noise comes from torch.Generator('cpu') of seed 99.
"""

import json
import sys
import warnings
from pathlib import Path

import diffusers
import numpy as np
import torch

SIZE = 16
SHAPE = (1, 4, 2, 2)
STEPS = 30
# The toy denoiser couples neighbours, so half of the values tell of all.
KEPT = 8
WEIGHTS = torch.tensor([((7 * i) % SIZE) / SIZE - 0.5 for i in range(SIZE)], dtype=torch.float32)

SD = dict(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear")
V = dict(prediction_type="v_prediction")
X0 = dict(prediction_type="sample")
ZERO_SNR = dict(rescale_betas_zero_snr=True)
LEADING = dict(timestep_spacing="leading", steps_offset=1)
LINSPACE = dict(timestep_spacing="linspace")
TRAILING = dict(timestep_spacing="trailing")
KARRAS = dict(use_karras_sigmas=True)
EXPONENTIAL = dict(use_exponential_sigmas=True)
BETA = dict(use_beta_sigmas=True)
COSINE = dict(beta_schedule="squaredcos_cap_v2")
THRESHOLD = dict(thresholding=True, sample_max_value=1.5, dynamic_thresholding_ratio=0.9)
FLOW = dict(use_flow_sigmas=True, flow_shift=3.0, prediction_type="flow_prediction")
ENDS = dict(sigma_min=0.002, sigma_max=700.0)
BETAS = [round(0.001 + 0.00012 * i, 6) for i in range(100)]
OWN_BETAS = dict(num_train_timesteps=100, trained_betas=BETAS)


def case(config=None, steps=STEPS, **plan):
    return dict(config=config or {}, steps=steps, plan=plan)


CASES = {
    "DDIMScheduler": [
        case(),
        case({**SD, "clip_sample": False, "set_alpha_to_one": False, **LEADING}),
        case({**SD, "clip_sample": False, **LINSPACE}),
        case({**SD, "clip_sample": False, **TRAILING, **V, **ZERO_SNR}),
        case({**COSINE, **THRESHOLD}),
        case({**SD, **X0, "clip_sample": True, "clip_sample_range": 2.0}),
        case({**SD, "clip_sample": False}, steps=1),
        case({**SD, "clip_sample": False, **TRAILING}, steps=1),
        case({**SD, "clip_sample": False}, eta=0.7),
        case({**OWN_BETAS, "clip_sample": False}),
        case({**SD, "clip_sample": False, **LINSPACE}, steps=7),
        case({**SD, **TRAILING, **ZERO_SNR}, steps=4),
    ],
    "DDPMScheduler": [
        case(),
        case({**SD, "clip_sample": False, **LEADING}),
        case({**SD, "clip_sample": False, **LINSPACE, "variance_type": "fixed_large"}),
        case({**SD, "clip_sample": False, **TRAILING, **V, **ZERO_SNR}),
        case({**COSINE, **THRESHOLD, "variance_type": "fixed_small_log"}),
        case({**SD, **X0}),
        case({**SD, "clip_sample": False}, steps=1),
        case({**SD, "clip_sample": False, **TRAILING}, steps=4),
    ],
    "PNDMScheduler": [
        case(),
        case({**SD, "skip_prk_steps": True, **LEADING}),
        case({**SD, "skip_prk_steps": True, "set_alpha_to_one": True, **LINSPACE}),
        case({**SD, "skip_prk_steps": True, **TRAILING, **V}),
        case({**SD, "skip_prk_steps": True}, steps=1),
        case({**SD, "skip_prk_steps": True}, steps=2),
        case({**COSINE, "skip_prk_steps": True}, steps=20),
        case({**SD, **V}, steps=5),
    ],
    "LMSDiscreteScheduler": [
        case(),
        case({**SD, **LEADING}),
        case({**SD, **TRAILING, **V}),
        case({**SD, **KARRAS}),
        case({**SD, **EXPONENTIAL}),
        case({**SD, **BETA}),
        case({**SD}, steps=1),
        case({**SD, **X0}),
        case({**SD, **KARRAS, **ENDS}, steps=8),
    ],
    "EulerDiscreteScheduler": [
        case(),
        case({**SD, **LEADING}),
        case({**SD, **TRAILING, **V}),
        case({**SD, **TRAILING, **V, **ZERO_SNR}),
        case({**SD, **KARRAS}),
        case({**SD, **EXPONENTIAL, **LEADING}),
        case({**SD, **BETA}),
        case({**SD, "interpolation_type": "log_linear"}),
        case({**SD, **KARRAS, **V, "timestep_type": "continuous", **ENDS}),
        case({**SD, "final_sigmas_type": "sigma_min", **X0}),
        case({**SD, **TRAILING}, steps=1),
        case({**SD, **TRAILING}, steps=4),
        case({**SD, **LINSPACE}, steps=1),
        case({**SD, **TRAILING}, steps=61),
    ],
    "EulerAncestralDiscreteScheduler": [
        case(),
        case({**SD, **LEADING}),
        case({**SD, **TRAILING, **V}),
        case({**SD, **TRAILING, **V, **ZERO_SNR}),
        case({**COSINE}),
        case({**SD, **TRAILING}, steps=1),
        case({**SD, **TRAILING}, steps=4),
    ],
    "HeunDiscreteScheduler": [
        case(),
        case({**SD, **LEADING}),
        case({**SD, **TRAILING, **V}),
        case({**SD, **KARRAS}),
        case({**SD, **EXPONENTIAL}),
        case({**SD, **BETA}),
        case({**SD, "clip_sample": True, "clip_sample_range": 1.5}),
        case({**SD, **X0}),
        case({**SD}, steps=1),
    ],
    "DPMSolverMultistepScheduler": [
        case(),
        case({**SD, **LEADING}),
        case({**SD, **TRAILING, **V, **ZERO_SNR}),
        case({**SD, **KARRAS}),
        case({**SD, **KARRAS, "algorithm_type": "sde-dpmsolver++"}),
        case({**SD, "algorithm_type": "sde-dpmsolver++", "solver_type": "heun", **TRAILING}),
        case({**SD, "algorithm_type": "sde-dpmsolver++", "solver_order": 3}),
        case({**SD, "algorithm_type": "dpmsolver", "final_sigmas_type": "sigma_min", "solver_order": 3}),
        case({**SD, "algorithm_type": "dpmsolver", "final_sigmas_type": "sigma_min", "solver_type": "heun", **V}),
        case({**SD, "algorithm_type": "sde-dpmsolver", "final_sigmas_type": "sigma_min", "lambda_min_clipped": -5.1}),
        case(
            {
                **SD,
                "algorithm_type": "sde-dpmsolver",
                "final_sigmas_type": "sigma_min",
                "solver_type": "heun",
                **THRESHOLD,
            }
        ),
        case({**SD, "solver_order": 3, "solver_type": "heun"}),
        case({**SD, "solver_order": 3}, steps=10),
        case({**SD, "solver_order": 1}),
        case({**SD, "use_lu_lambdas": True, "euler_at_final": True}),
        case({**SD, **EXPONENTIAL, "final_sigmas_type": "sigma_min"}),
        case({**SD, **BETA, **X0}),
        case({**COSINE, **THRESHOLD}),
        case({**FLOW}),
        case({**SD, "lower_order_final": False, "final_sigmas_type": "sigma_min"}, steps=8),
        case({**SD}, steps=1),
        case({**SD}, steps=2),
        case({**FLOW, "use_dynamic_shifting": True}, steps=8, mu=0.8),
        case({**COSINE, "variance_type": "fixed_small"}, steps=8),
    ],
    "DPMSolverSinglestepScheduler": [
        case(),
        case({**SD, "lower_order_final": True}),
        case({**SD, "solver_order": 3}),
        case({**SD, "solver_order": 3, "solver_type": "heun"}, steps=29),
        case({**SD, "solver_order": 3, "final_sigmas_type": "sigma_min", "algorithm_type": "dpmsolver"}),
        case({**SD, "solver_type": "heun", **V}),
        case({**SD, **KARRAS}),
        case({**SD, **EXPONENTIAL, "final_sigmas_type": "sigma_min", "algorithm_type": "dpmsolver"}),
        case({**SD, **BETA, "algorithm_type": "sde-dpmsolver++"}),
        case({**SD, "solver_order": 3, "algorithm_type": "sde-dpmsolver++", "solver_type": "heun"}),
        case({**FLOW}),
        case({**COSINE, **THRESHOLD, "lambda_min_clipped": -5.1}, steps=13),
        case({**SD}, steps=1),
        case({**SD, "solver_order": 1, **X0}, steps=9),
    ],
    "EDMEulerScheduler": [
        case(),
        case(dict(sigma_schedule="exponential")),
        case(V),
        case(dict(sigma_min=0.01, sigma_max=20.0, sigma_data=1.0, rho=5.0, final_sigmas_type="sigma_min")),
        case(steps=1),
        case(steps=4),
    ],
    "EDMDPMSolverMultistepScheduler": [
        case(),
        case(dict(sigma_schedule="exponential", solver_type="heun")),
        case({**V, "solver_order": 3}),
        case(dict(solver_order=3, final_sigmas_type="sigma_min"), steps=12),
        case(dict(solver_order=1)),
        case(dict(euler_at_final=True, lower_order_final=False, final_sigmas_type="sigma_min")),
        case(dict(algorithm_type="sde-dpmsolver++", solver_type="heun")),
        case({"algorithm_type": "sde-dpmsolver++", **THRESHOLD}),
        case(dict(solver_type="logrho"), steps=2),
        case(steps=1),
    ],
    "UniPCMultistepScheduler": [
        case(),
        case({**SD, **LEADING}),
        case({**SD, **TRAILING, **V, **ZERO_SNR}),
        case({**SD, "solver_type": "bh1", "solver_order": 3, "final_sigmas_type": "sigma_min"}),
        case({**SD, "solver_order": 3, "disable_corrector": [0, 1]}),
        case({**SD, **KARRAS, "final_sigmas_type": "sigma_min"}),
        case({**SD, **EXPONENTIAL}),
        case({**SD, **BETA, **X0}),
        case({**SD, "predict_x0": False, "final_sigmas_type": "sigma_min"}),
        case({**COSINE, **THRESHOLD}),
        case({**FLOW}),
        case({**FLOW, "use_dynamic_shifting": True, "shift_terminal": 0.1}, mu=0.8),
        case({**FLOW, **KARRAS}),
        case({**SD, "solver_order": 3, "lower_order_final": False, "final_sigmas_type": "sigma_min"}, steps=9),
        case({**SD}, steps=1),
        case({**SD}, steps=2),
    ],
    "DEISMultistepScheduler": [
        case(),
        case({**SD, **LEADING}),
        case({**SD, **TRAILING, **V}),
        case({**SD, "solver_order": 3}),
        case({**SD, "solver_order": 3}, steps=8),
        case({**SD, **KARRAS}),
        case({**SD, **EXPONENTIAL}),
        case({**SD, **BETA, **X0}),
        case({**COSINE, **THRESHOLD}),
        case({**FLOW}),
        case({**SD}, steps=1),
        case({**FLOW, **V}, steps=8),
    ],
    "LCMScheduler": [
        case(steps=4),
        case(steps=1),
        case(steps=STEPS),
        case({**V}, steps=8),
        case({**X0, "clip_sample": True}, steps=8),
        case({**THRESHOLD}, steps=8),
        case({**V, **ZERO_SNR, "timestep_scaling": 0.001}, steps=6),
        case({"original_inference_steps": 100, "set_alpha_to_one": False}, steps=7),
    ],
    "TCDScheduler": [
        case(steps=4, eta=0.3),
        case(steps=1, eta=0.3),
        case(steps=STEPS, eta=0.3),
        case(steps=8, eta=0.0),
        case({**V}, steps=8, eta=1.0),
        case({**X0}, steps=8, eta=0.5),
        case({**V, **ZERO_SNR}, steps=6, eta=0.3),
        case({"original_inference_steps": 100}, steps=7, eta=0.3),
    ],
    "FlowMatchEulerDiscreteScheduler": [
        case(),
        case({"shift": 3.0}),
        case({"use_dynamic_shifting": True}, mu=1.1, sigmas=True),
        case({"use_dynamic_shifting": True, "time_shift_type": "linear"}, mu=1.6),
        case({"shift": 3.0}, sigmas=True),
        case({"shift": 5.0, "shift_terminal": 0.1}),
        case({"shift": 3.0, **KARRAS}),
        case({"shift": 3.0, **EXPONENTIAL}),
        case({"shift": 3.0, **BETA}),
        case({"shift": 3.0, "stochastic_sampling": True}),
        case({"invert_sigmas": True}),
        case({"shift": 3.0}, steps=1),
        case({"use_dynamic_shifting": True, "shift": 3.0}, steps=4, mu=0.5, sigmas=True),
    ],
    "FlowMatchHeunDiscreteScheduler": [
        case(),
        case({"shift": 3.0}),
        case({"shift": 0.5}),
        case({"num_train_timesteps": 500, "shift": 2.0}),
        case({"shift": 3.0}, steps=1),
        case({"shift": 3.0}, steps=2),
        case({"shift": 3.0}, steps=7),
    ],
    "CosineDPMSolverMultistepScheduler": [
        case(),
        case({"sigma_schedule": "karras"}),
        case({"solver_type": "heun", "sigma_min": 0.1, "sigma_max": 100.0}),
        case({"solver_order": 1, "prediction_type": "epsilon"}),
        case({"final_sigmas_type": "sigma_min", "sigma_data": 0.5}, steps=10),
        case({"final_sigmas_type": "sigma_min", "euler_at_final": True}),
        case(steps=1),
        case(steps=2),
    ],
}


class GeneratorNoise:
    """In place of the Brownian tree: independent unit noise, which its normalised increments are too."""

    def __init__(self, generator):
        self.generator = generator

    def __call__(self, sigma, sigma_next):
        if float(sigma_next) == 0:
            return torch.zeros(SHAPE)
        return torch.randn(SHAPE, generator=self.generator)


def denoise(x, timestep):
    flat = x.reshape(-1)
    g = (float(timestep) % 1000) / 1000
    return (flat * (0.1 + 0.6 * g) + 0.05 * torch.roll(flat, -1) + 0.1 * WEIGHTS).reshape(SHAPE)


def run(class_name, spec):
    scheduler = getattr(diffusers, class_name).from_config(spec["config"])
    steps, plan = spec["steps"], dict(spec["plan"])
    generator = torch.Generator("cpu").manual_seed(99)
    accepted, extra = {}, {}
    if plan.pop("sigmas", False):
        accepted["sigmas"] = [float(s) for s in np.linspace(1.0, 1.0 / steps, steps)]
    if "mu" in plan:
        accepted["mu"] = plan["mu"]
    if "eta" in plan:
        extra["eta"] = plan["eta"]
    if "generator" in scheduler.step.__code__.co_varnames:
        extra["generator"] = generator
    scheduler.set_timesteps(steps, **accepted)
    if class_name.startswith("Cosine"):
        scheduler.noise_sampler = GeneratorNoise(generator)

    first = float(getattr(scheduler, "init_noise_sigma", 1))
    sample = torch.randn(SHAPE, generator=torch.Generator("cpu").manual_seed(1234)) * first
    trajectory = []
    for t in scheduler.timesteps:
        scaled = scheduler.scale_model_input(sample, t) if hasattr(scheduler, "scale_model_input") else sample
        output = denoise(scaled, t)
        sample = scheduler.step(output, t, sample, **extra, return_dict=False)[0]
        assert torch.isfinite(sample).all(), (class_name, spec)
        trajectory.append(sample.reshape(-1)[:KEPT].tolist())

    keeps_sigmas = class_name.split("Scheduler")[0] not in ("DDIM", "DDPM", "PNDM", "LCM", "TCD")
    return {
        "config": {"_class_name": class_name, **spec["config"]},
        "steps": steps,
        "plan": {**accepted, **{k: v for k, v in spec["plan"].items() if k == "eta"}},
        "initNoiseSigma": first,
        "timesteps": scheduler.timesteps.tolist(),
        "sigmas": scheduler.sigmas.tolist() if keeps_sigmas else [],
        "trajectory": trajectory,
    }


def shortest(value):
    """The value with as few digits as bring the same float32 back."""
    if isinstance(value, dict):
        return {key: shortest(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shortest(item) for item in value]
    if not isinstance(value, float):
        return value
    text = np.format_float_scientific(np.float32(value), unique=True, trim="-")
    number = float(text)
    return int(number) if number == int(number) and abs(number) < 1e9 else number


def main(folder):
    warnings.filterwarnings("ignore")
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    for class_name, specs in CASES.items():
        cases = []
        for spec in specs:
            result = run(class_name, spec)
            # The config goes in as it is; only results are rounded.
            cases.append({k: v if k in ("config", "plan", "steps") else shortest(v) for k, v in result.items()})
        lines = ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases)
        (target / f"{class_name}.json").write_text(f"[\n{lines}\n]\n")
        print(class_name, len(cases))


if __name__ == "__main__":
    main(sys.argv[1])
