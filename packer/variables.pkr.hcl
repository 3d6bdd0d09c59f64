# What the provider sets, by PKR_VAR_NAME. Without a default: required.

variable "roles" {
  description = "Ansible roles whose bake.yml runs, in this order, and the parts of each that the machine needs; none: all."
  type        = list(object({ name = string, parts = list(string) }))
}

variable "role_variables" {
  description = "Further variables of these roles."
  type        = map(string)
  default     = {}
}

variable "source_url" {
  description = "The disk image to begin with: a URL or a path."
  type        = string
}

variable "source_checksum" {
  description = "sha512:... or sha256:... of it; none for an image of this machine, whose name says what it is."
  type        = string
}

variable "kernel" {
  description = "Path of a kernel for direct boot; empty: the disk has a boot loader."
  type        = string
  default     = ""
}

variable "initrd" {
  description = "Its initial RAM disk."
  type        = string
  default     = ""
}

variable "kernel_arguments" {
  description = "Its command line."
  type        = string
  default     = ""
}

variable "output_directory" {
  description = "Where disk.qcow2 comes to lie; must not exist."
  type        = string
}

variable "disk_size" {
  description = "Size of the disk. Machines cannot have a smaller one; it is sparse."
  type        = string
  default     = "8G"
}

variable "seed" {
  description = "Path of a NoCloud disk that makes admin_user, with the key that opens it and the SSH host key."
  type        = string
}

variable "admin_user" {
  description = "The administrator's account, for the build and for good."
  type        = string
  default     = "admin"
}

variable "ssh_private_key_file" {
  description = "Path of the build's own private key."
  type        = string
}

variable "ssh_host_key" {
  description = "The build's public SSH host key; Ansible accepts no other."
  type        = string
}

variable "update_packages" {
  description = "Whether the package lists are fetched before packages are installed."
  type        = bool
  default     = true
}

variable "qemu_binary" {
  description = "The emulator."
  type        = string
  default     = "qemu-system-x86_64"
}

variable "machine_type" {
  description = "QEMU's machine type."
  type        = string
  default     = "pc"
}

variable "firmware" {
  description = "Path of UEFI firmware; empty: the machine type's own."
  type        = string
  default     = ""
}

variable "accelerator" {
  description = "What runs it: kvm or tcg, software emulation."
  type        = string
  default     = "tcg"
}

variable "cpu_model" {
  description = "QEMU's CPU model: host with KVM."
  type        = string
  default     = "qemu64"
}

variable "cpus" {
  description = "Virtual CPUs during the build."
  type        = number
  default     = 1
}

variable "memory" {
  description = "MiB during the build."
  type        = number
  default     = 2048
}

variable "console_log" {
  description = "Where the serial console is written."
  type        = string
}
