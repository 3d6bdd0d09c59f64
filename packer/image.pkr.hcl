# A golden image: a disk image is booted, the roles bake it over SSH, and what is the build's own is removed again.
# One template for all kinds of machines; controller.pkrvars.hcl and compute.pkrvars.hcl say what differs.
# Called by the provider (providers/host/packer), which names images by their content. docs/images.md has the rest.

packer {
  # As in versions/tools.ts. It has the plugins qemu and ansible built in; later ones want them fetched from elsewhere.
  required_version = "= 1.6.6"
}

# None refers to another: Packer 1.6.6 evaluates them in any order.
locals {
  units = compact([
    for line in split("\n", file("../images/golden/units.disabled")) : trimspace(split("#", line)[0])
  ])

  bake_variables = merge(
    {
      bake_roles           = [for role in var.roles : role.name]
      base_admin_user      = var.admin_user
      base_update_packages = var.update_packages
    },
    { for role in var.roles : "${role.name}_parts" => role.parts if length(role.parts) > 0 },
    var.role_variables,
  )
}

source "qemu" "image" {
  iso_url          = var.source_url
  iso_checksum     = var.source_checksum
  disk_image       = true
  disk_size        = var.disk_size
  format           = "raw" # of which any freed block can be given back, and not whole clusters only
  output_directory = var.output_directory
  vm_name          = "disk.raw"

  qemu_binary  = var.qemu_binary
  machine_type = var.machine_type
  accelerator  = var.accelerator
  cpus         = var.cpus
  memory       = var.memory
  headless     = true
  disable_vnc  = true # nothing is typed, so nothing waits for a screen

  qemuargs = concat(
    [
      ["-cpu", var.cpu_model],
      ["-display", "none"],
      ["-vnc", "none"],
      ["-serial", "file:${var.console_log}"],
      # Packer's own line would listen on every address of this host.
      ["-netdev", "user,id=user.0,hostfwd=tcp:127.0.0.1:{{ .SSHHostPort }}-:22"],
      # Nothing of a build that fails is used, so nothing waits for the disk; what is freed in the image is freed here.
      ["-drive", "file={{ .OutputDir }}/{{ .Name }},if=virtio,format=raw,cache=unsafe,discard=unmap,detect-zeroes=unmap"],
      ["-drive", "file=${var.seed},if=virtio,format=raw,readonly=on"],
    ],
    [
      for pair in [
        ["-bios", var.firmware],
        ["-kernel", var.kernel],
        ["-initrd", var.initrd],
        ["-append", var.kernel_arguments],
      ] : pair if pair[1] != ""
    ],
  )

  ssh_username           = var.admin_user
  ssh_private_key_file   = var.ssh_private_key_file
  ssh_timeout            = "15m"
  ssh_handshake_attempts = 1000

  # finish.sh ends with the machine switched off. Where it fails the machine stays on, and the build fails after this.
  shutdown_command = "sudo env ADMIN_USER=${var.admin_user} UNITS='${join(" ", local.units)}' sh /dev/shm/finish.sh"
  shutdown_timeout = "3m"
}

build {
  sources = ["source.qemu.image"]

  provisioner "shell" {
    inline = [
      # No service starts while its package is installed; finish.sh takes this away.
      "printf '#!/bin/sh\\nexit 101\\n' | sudo install -m 755 /dev/stdin /usr/sbin/policy-rc.d",
      # A cloud image goes on making itself at home after SSH answers, and starts SSH again. What images/golden builds has
      # no cloud-init. Done is enough: it made the account, or nobody were here.
      "if command -v cloud-init >/dev/null; then cloud-init status --wait --long || :; fi",
      # Ansible goes by these dates: package lists that are not there would pass for new ones.
      "sudo rm -rf /var/lib/apt/periodic",
      "sudo touch --date=@0 /var/lib/apt/lists",
    ]
  }

  provisioner "ansible" {
    command                 = "${path.root}/ansible-playbook"
    playbook_file           = "${path.root}/../ansible/playbooks/bake.yml"
    use_proxy               = false
    inventory_file_template = <<-INVENTORY
      {"all": {"hosts": ["image"]}, "_meta": {"hostvars": {"image": {
        "ansible_host": "{{ .Host }}", "ansible_port": {{ .Port }}, "ansible_user": "{{ .User }}", "ansible_become": true
      }}}}
    INVENTORY
    ansible_env_vars        = ["AI_HOW_KNOWN_HOSTS=[${build.Host}]:${build.Port} ${var.ssh_host_key}"]
    extra_arguments         = ["--extra-vars", jsonencode(local.bake_variables)]
  }

  # In memory: it removes everything temporary from the disk.
  provisioner "file" {
    source      = "${path.root}/finish.sh"
    destination = "/dev/shm/finish.sh"
  }

  post-processor "shell-local" {
    inline = [
      "grep -q 'ai-how: the image is finished' '${var.console_log}' || { echo 'finish.sh did not come to its end' >&2; exit 1; }",
      "cd '${var.output_directory}'",
      "qemu-img convert -q -f raw -O qcow2 disk.raw disk.qcow2",
      "rm disk.raw",
    ]
  }
}
