// SPDX-License-Identifier: GPL-2.0
/*
 * A fake of BeeGFS's client, for tests: a file system "beegfs" without any files. It is mounted with a configuration file and
 * the address of a management service that takes connections.
 */
#include <linux/fs.h>
#include <linux/fs_context.h>
#include <linux/in.h>
#include <linux/inet.h>
#include <linux/module.h>
#include <linux/net.h>
#include <linux/nsproxy.h>
#include <linux/slab.h>
#include <net/net_namespace.h>
#include <net/sock.h>

#define FAKE_MAGIC 0x19830326 /* that of FhGFS, as BeeGFS was called */
#define FAKE_MANAGEMENT_PORT 8008

struct fake_options {
	char *config;
	char *management;
};

static int fake_reach(const char *address)
{
	struct sockaddr_in management = {
		.sin_family = AF_INET,
		.sin_port = htons(FAKE_MANAGEMENT_PORT),
		.sin_addr.s_addr = in_aton(address),
	};
	struct socket *socket;
	int error = sock_create_kern(current->nsproxy->net_ns, PF_INET, SOCK_STREAM, IPPROTO_TCP, &socket);

	if (error)
		return error;
	socket->sk->sk_sndtimeo = 10 * HZ;
	error = kernel_connect(socket, (void *)&management, sizeof(management), 0);
	sock_release(socket);
	return error;
}

static int fake_fill_super(struct super_block *super, struct fs_context *context)
{
	static const struct tree_descr no_files[] = { { "" } };

	return simple_fill_super(super, FAKE_MAGIC, no_files);
}

static int fake_get_tree(struct fs_context *context)
{
	struct fake_options *options = context->fs_private;
	struct file *config;
	int error;

	if (!options->config || !options->management)
		return invalf(context, "beegfs (fake): cfgFile and sysMgmtdHost are needed");
	config = filp_open(options->config, O_RDONLY, 0);
	if (IS_ERR(config))
		return PTR_ERR(config);
	filp_close(config, NULL);
	error = fake_reach(options->management);
	if (error)
		return error;
	return get_tree_nodev(context, fake_fill_super);
}

static int fake_parse_param(struct fs_context *context, struct fs_parameter *parameter)
{
	struct fake_options *options = context->fs_private;
	int known = vfs_parse_fs_param_source(context, parameter);
	char **value;

	if (known != -ENOPARAM)
		return known;
	if (!strcmp(parameter->key, "cfgFile"))
		value = &options->config;
	else if (!strcmp(parameter->key, "sysMgmtdHost"))
		value = &options->management;
	else
		return -ENOPARAM;
	kfree(*value);
	*value = kstrdup(parameter->string ?: "", GFP_KERNEL);
	return *value ? 0 : -ENOMEM;
}

static void fake_free(struct fs_context *context)
{
	struct fake_options *options = context->fs_private;

	kfree(options->config);
	kfree(options->management);
	kfree(options);
}

static const struct fs_context_operations fake_operations = {
	.free = fake_free,
	.get_tree = fake_get_tree,
	.parse_param = fake_parse_param,
};

static int fake_init_context(struct fs_context *context)
{
	context->fs_private = kzalloc(sizeof(struct fake_options), GFP_KERNEL);
	context->ops = &fake_operations;
	return context->fs_private ? 0 : -ENOMEM;
}

static struct file_system_type fake_type = {
	.owner = THIS_MODULE,
	.name = "beegfs",
	.init_fs_context = fake_init_context,
	.kill_sb = kill_litter_super,
};

static int __init fake_init(void)
{
	return register_filesystem(&fake_type);
}

static void __exit fake_exit(void)
{
	unregister_filesystem(&fake_type);
}

module_init(fake_init);
module_exit(fake_exit);
MODULE_ALIAS_FS("beegfs");
MODULE_DESCRIPTION("Fake of BeeGFS's client, for tests");
MODULE_LICENSE("GPL");
MODULE_VERSION(FAKE_VERSION);
