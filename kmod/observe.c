// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the module shows of itself in sysfs, one value a file:
 * /sys/class/rocsvm/rocsvm/. Counters over all spaces; no lock is needed to
 * read them, and none is held when they change.
 */
#include <linux/device.h>
#include <linux/sysfs.h>

#include "rocsvm.h"

static atomic64_t num_spaces;
static atomic64_t reserved_bytes_total;
static atomic64_t num_buffers;
static atomic64_t buffer_bytes_total;
static atomic64_t kind_bytes[ROCSVM_NUM_SHOWN_KINDS];

/**
 * rocsvm_count_space - count spaces that live and what they reserve
 * @n: 1, 0 or -1
 * @reserved_bytes: change of the sum of the windows' lengths
 */
void rocsvm_count_space(int n, s64 reserved_bytes)
{
	atomic64_add(n, &num_spaces);
	atomic64_add(reserved_bytes, &reserved_bytes_total);
}

/**
 * rocsvm_count_buffer - count buffers that live and their lengths
 * @n: change of the number
 * @bytes: change of the sum of the lengths
 */
void rocsvm_count_buffer(int n, s64 bytes)
{
	atomic64_add(n, &num_buffers);
	atomic64_add(bytes, &buffer_bytes_total);
}

/**
 * rocsvm_count_kind - count bytes of a kind
 * @kind: the kind
 * @bytes: change of the sum of the lengths
 */
void rocsvm_count_kind(enum rocsvm_shown_kind kind, s64 bytes)
{
	atomic64_add(bytes, &kind_bytes[kind]);
}

static ssize_t version_show(struct device *dev, struct device_attribute *attr,
			    char *buf)
{
	return sysfs_emit(buf, "%s\n", ROCSVM_VERSION);
}
static DEVICE_ATTR_RO(version);

static ssize_t abi_show(struct device *dev, struct device_attribute *attr,
			char *buf)
{
	return sysfs_emit(buf, "%d\n", ROCSVM_ABI);
}
static DEVICE_ATTR_RO(abi);

static ssize_t spaces_show(struct device *dev, struct device_attribute *attr,
			   char *buf)
{
	return sysfs_emit(buf, "%lld\n", atomic64_read(&num_spaces));
}
static DEVICE_ATTR_RO(spaces);

static ssize_t reserved_bytes_show(struct device *dev,
				   struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%lld\n", atomic64_read(&reserved_bytes_total));
}
static DEVICE_ATTR_RO(reserved_bytes);

static ssize_t buffers_show(struct device *dev, struct device_attribute *attr,
			    char *buf)
{
	return sysfs_emit(buf, "%lld\n", atomic64_read(&num_buffers));
}
static DEVICE_ATTR_RO(buffers);

static ssize_t buffer_bytes_show(struct device *dev,
				 struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%lld\n", atomic64_read(&buffer_bytes_total));
}
static DEVICE_ATTR_RO(buffer_bytes);

static ssize_t kinds_show(struct device *dev, struct device_attribute *attr,
			  char *buf)
{
	struct dev_ext_attribute *ext =
		container_of(attr, struct dev_ext_attribute, attr);
	unsigned long kinds = (uintptr_t)ext->var;
	unsigned int i;
	s64 bytes = 0;

	for_each_set_bit(i, &kinds, ROCSVM_NUM_SHOWN_KINDS)
		bytes += atomic64_read(&kind_bytes[i]);
	return sysfs_emit(buf, "%lld\n", bytes);
}

#define KINDS_ATTR(_name, _kinds)					\
	static struct dev_ext_attribute dev_attr_##_name = {		\
		.attr = __ATTR(_name, 0444, kinds_show, NULL),		\
		.var = (void *)(_kinds),				\
	}

KINDS_ATTR(host_bytes, BIT(ROCSVM_SHOWN_HOST));
KINDS_ATTR(gtt_bytes, BIT(ROCSVM_SHOWN_GTT));
KINDS_ATTR(vram_bytes, BIT(ROCSVM_SHOWN_VRAM) | BIT(ROCSVM_SHOWN_PRIVATE));
KINDS_ATTR(imported_bytes, BIT(ROCSVM_SHOWN_IMPORTED));
KINDS_ATTR(registered_bytes, BIT(ROCSVM_SHOWN_REGISTERED));
KINDS_ATTR(kfd_bytes, BIT(ROCSVM_SHOWN_KFD));
KINDS_ATTR(quarantined_bytes, BIT(ROCSVM_SHOWN_QUARANTINE));

static struct attribute *rocsvm_attrs[] = {
	&dev_attr_version.attr,
	&dev_attr_abi.attr,
	&dev_attr_spaces.attr,
	&dev_attr_reserved_bytes.attr,
	&dev_attr_buffers.attr,
	&dev_attr_buffer_bytes.attr,
	&dev_attr_host_bytes.attr.attr,
	&dev_attr_gtt_bytes.attr.attr,
	&dev_attr_vram_bytes.attr.attr,
	&dev_attr_imported_bytes.attr.attr,
	&dev_attr_registered_bytes.attr.attr,
	&dev_attr_kfd_bytes.attr.attr,
	&dev_attr_quarantined_bytes.attr.attr,
	NULL,
};

static const struct attribute_group rocsvm_group = {
	.attrs = rocsvm_attrs,
};

/*
 * user/: what is charged to the user who reads it, against the parameters
 * max_*_per_user.
 */
static ssize_t usage_show(struct device *dev, struct device_attribute *attr,
			  char *buf)
{
	struct dev_ext_attribute *ext =
		container_of(attr, struct dev_ext_attribute, attr);

	return sysfs_emit(buf, "%ld\n",
			  rocsvm_user_usage((uintptr_t)ext->var));
}

#define USAGE_ATTR(_name, _what)					\
	static struct dev_ext_attribute dev_attr_user_##_name = {	\
		.attr = __ATTR(_name, 0444, usage_show, NULL),		\
		.var = (void *)_what,					\
	}

USAGE_ATTR(spaces, ROCSVM_LIMIT_SPACES);
USAGE_ATTR(buffers, ROCSVM_LIMIT_BUFFERS);
USAGE_ATTR(registrations, ROCSVM_LIMIT_REGISTRATIONS);

static struct attribute *rocsvm_user_attrs[] = {
	&dev_attr_user_spaces.attr.attr,
	&dev_attr_user_buffers.attr.attr,
	&dev_attr_user_registrations.attr.attr,
	NULL,
};

static const struct attribute_group rocsvm_user_group = {
	.name = "user",
	.attrs = rocsvm_user_attrs,
};

const struct attribute_group *rocsvm_groups[] = {
	&rocsvm_group,
	&rocsvm_user_group,
	NULL,
};
