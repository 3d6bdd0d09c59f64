# The machines that jobs run on. docs/images.md says how NVIDIA's driver comes in.
roles = [
  { name = "base", parts = ["common"] },
  { name = "storage", parts = ["client"] },
  { name = "slurm", parts = ["common", "compute"] },
]
