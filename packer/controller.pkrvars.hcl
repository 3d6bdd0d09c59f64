# The machine that SLURM's controller, its accounting and shared folders run on.
roles = [
  { name = "base", parts = ["common"] },
  { name = "storage", parts = ["client", "server"] },
  { name = "slurm", parts = ["common", "controller"] },
]
