"""The game of a lesson as a script in plain PyTorch, a command and a few lines of Python.

Knows settings and text; never networks or games. The script draws what the lesson draws and starts from the same
weights, so that its losses are the lesson's, up to rounding, which Adam's first steps make large where a gradient is 0.
"""

from __future__ import annotations

from gankit.lessons.settings import Settings

_D_LOSS = {
    "minimax": "(softplus(-real) + softplus(fake)).mean()",
    "nonsaturating": "(softplus(-real) + softplus(fake)).mean()",
    "leastsquares": "0.5 * ((real - 1) ** 2 + fake**2).mean()",
    "hinge": "(relu(1 - real) + relu(1 + fake)).mean()",
    "wasserstein": "(fake - real).mean()",
    "relativistic": "softplus(fake - real).mean()",
}
_G_LOSS = {
    "minimax": "-softplus(fake).mean()",
    "nonsaturating": "softplus(-fake).mean()",
    "leastsquares": "0.5 * ((fake - 1) ** 2).mean()",
    "hinge": "-fake.mean()",
    "wasserstein": "-fake.mean()",
    "relativistic": "softplus(real - fake).mean()",
}
_AT = {"r1": "[real_x]", "r2": "[fake_x]", "r1r2": "[real_x, fake_x]"}

_SQUARES = """
def squares(x):  # of the norm of D's gradient at x [B, D]
    x = x.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(D(x).sum(), x, create_graph=True)
    return gradient.square().sum(1)

"""

_TEMPLATE = '''"""A GAN on your numbers, in plain PyTorch: python gan.py data.txt"""
import hashlib, sys
import numpy as np, torch
from torch import nn
from torch.nn.functional import leaky_relu, relu, softplus

SEED, BATCH, WIDTH, DEPTH = {seed}, {batch}, {width}, {depth}
LATENTS, D_STEPS, STEPS = {latents}, {d_steps}, {steps}

def key(*names):  # a number for each purpose, so that every draw can be repeated
    return int.from_bytes(hashlib.sha256("|".join(map(str, names)).encode()).digest()[:8], "little") >> 1

def draws(*names):
    return torch.Generator().manual_seed(key(SEED, *names))

data = np.loadtxt(sys.argv[1] if len(sys.argv) > 1 else "data.txt", ndmin=2)
order = np.random.default_rng(key(0, "lesson")).permutation(len(data))
chosen = np.sort(order[max(2, len(data) // 5):]{records})  # the others are held out
mean, spread = data.mean(0), data.std(0)
x = torch.tensor(((data - mean) / spread)[chosen], dtype=torch.float32)  # [N, D]

class Block(nn.Module):
    def __init__(self, norm):
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH) if norm else nn.Identity()
        self.first, self.second = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)
        nn.init.zeros_(self.second.weight), nn.init.zeros_(self.second.bias)
    def forward(self, h):
        return h + self.second(leaky_relu(self.first(leaky_relu(self.norm(h), 0.2)), 0.2))

torch.manual_seed(key(SEED, "init"))
first, reach = nn.Linear(LATENTS, WIDTH), min(LATENTS, 2 * x.shape[1]) ** -0.5
with torch.no_grad():
    first.weight.uniform_(-reach, reach), first.weight[:, 2 * x.shape[1]:].zero_()
    first.bias.uniform_(-3 * reach, 3 * reach)
blocks = [Block(norm=True) for _ in range(DEPTH)]
G = nn.Sequential(first, *blocks, nn.LayerNorm(WIDTH), nn.LeakyReLU(0.2), nn.Linear(WIDTH, x.shape[1]))
first = nn.Linear(x.shape[1], WIDTH)
critic = nn.Sequential(first, *(Block(norm=False) for _ in range(DEPTH)), nn.LeakyReLU(0.2), nn.Linear(WIDTH, 1))
D = lambda x: critic(x).squeeze(1)  # [B, D] -> [B], larger: more real
{squares}d_adam = torch.optim.Adam(critic.parameters(), lr={d_rate!r}, betas=(0.0, 0.99))
g_adam = torch.optim.Adam(G.parameters(), lr={g_rate!r}, betas=(0.0, 0.99))

shown, size = 0, min(BATCH, len(x))
for step in range(STEPS):
    for k in range(D_STEPS):
        epoch, at = divmod(shown // size, len(x) // size)
        rows = torch.randperm(len(x), generator=draws("order", epoch))[at * size : (at + 1) * size]
        noise = draws("step", step, 0, k)
        real_x, fake_x = x[rows], G(torch.randn(size, LATENTS, generator=noise))
        real, fake = D(real_x), D(fake_x.detach())
        d_loss = {d_loss}
        d_adam.zero_grad(), ({total}).backward(), d_adam.step()
        shown += size
    real, fake = D(real_x).detach(), D(fake_x)
    g_loss = {g_loss}
    g_adam.zero_grad(), g_loss.backward(), g_adam.step()
    if step < 3 or step % 100 == 99:
        print(step + 1, round(d_loss.item(), 5), round(g_loss.item(), 5))

with torch.no_grad():
    z = torch.randn(1000, LATENTS, generator=draws("sample"))
    np.savetxt("synthetic.txt", G(z).numpy() * spread + mean, fmt="%.6g")  # 1000 new records
'''


def script(settings: Settings, dim: int, steps: int) -> str:
    """The game of a lesson on records of `dim` numbers: a file that runs so many steps, prints losses and writes 1,000
    fakes. It reads the data as a text, a record a line.

    """
    total, squares = "d_loss", ""
    if settings.penalty in _AT and settings.weight:
        squares = _SQUARES
        total = f"d_loss + {settings.weight!r} * 0.5 * sum(squares(v).mean() for v in {_AT[settings.penalty]})"
    elif settings.penalty == "wgan-gp" and settings.weight:
        squares = _SQUARES
        between = "torch.lerp(fake_x.detach(), real_x, torch.rand(size, 1, generator=noise))"
        total = f"d_loss + {settings.weight!r} * (squares({between}).sqrt() - 1).square().mean()"
    return _TEMPLATE.format(
        seed=settings.seed, batch=settings.batch, width=settings.width, depth=settings.depth,
        latents=settings.latents or dim, d_steps=settings.d_steps, steps=steps, squares=squares,
        records=f"[:{settings.records}]" if settings.records else "", d_rate=settings.d_rate, g_rate=settings.g_rate,
        d_loss=_D_LOSS[settings.loss], g_loss=_G_LOSS[settings.loss], total=total,
    )  # fmt: skip


def command(settings: Settings, samples: int) -> str:
    """The command line that trains the same networks with the same loss, with all that a run does beside."""
    flags = {
        "loss": settings.loss, "penalty": settings.penalty, "penalty-weight": f"{settings.weight:g}",
        "d-steps": settings.d_steps, "learning-rate": f"{settings.d_rate:g}",
        "generator-rate": f"{settings.g_rate / settings.d_rate:g}", "batch": settings.batch,
        "width": settings.width, "depth": settings.depth, "seed": settings.seed, "samples": samples,
    }  # fmt: skip
    latents = {"latents": settings.latents} if settings.latents else {}
    return "gankit train data.txt --network residual " + " ".join(f"--{n} {v}" for n, v in {**flags, **latents}.items())


def snippet(settings: Settings, samples: int) -> str:
    """The same in Python."""
    return (
        "import gankit\n"
        f'model = gankit.train("data.txt", network="residual", loss="{settings.loss}", penalty="{settings.penalty}",\n'
        f"                     penalty_weight={settings.weight:g}, d_steps={settings.d_steps}, "
        f"learning_rate={settings.d_rate:g},\n"
        f"                     generator_rate={settings.g_rate / settings.d_rate:g}, "
        f"batch={settings.batch}, width={settings.width}, depth={settings.depth}, "
        f"seed={settings.seed}, samples={samples})\n"
        "print(model.sample(10))\n"
    )
