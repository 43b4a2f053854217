/* What fast_path.bpf.c and fast_path.cpp agree upon: keys and values of the maps.
 *
 * Included by both sides, so plain C: fixed widths, padding explicit. Addresses are in network byte
 * order, everything else in the host's.
 */
#ifndef SEXTANT_FAST_PATH_ABI_H
#define SEXTANT_FAST_PATH_ABI_H

#include <linux/types.h>

enum {
  SX_MAX_LISTS = 16,                /* segment lists of one path */
  SX_MAX_HEADER = 40 + 8 + 16 * 16, /* the outer header and an SRH of 16 SIDs */
  SX_MAX_PREFIXES = 1 << 20,
  SX_MAX_PATHS = 1 << 16,
  SX_MAX_NODES = 1 << 17,
  SX_MAX_SIDS = 1 << 12,
};

/* The families that a decapsulating SID takes. */
enum { SX_INNER_IPV4 = 1, SX_INNER_IPV6 = 2 };

struct sx_prefix {
  __u32 length;     /* in bits */
  __u8 address[16]; /* IPv4 as ::ffff:0:0/96 (RFC 4291 section 2.5.5.2), so 96 bits longer */
};

/* A path: its segment lists by the ids of the kernel's nexthops, and their shares. */
struct sx_path {
  __u32 count;
  struct {
    __u32 list;
    __u32 bound; /* the share of [0, 2^32) up to and including this list, less one */
  } lists[SX_MAX_LISTS];
};

/* What goes in front of an inner packet: an IPv6 header and, for several SIDs, an SRH. Traffic
 * class, flow label and payload length are the packet's.
 */
struct sx_list {
  __u32 length; /* of header, in bytes */
  __u8 header[SX_MAX_HEADER];
};

struct sx_count {
  __u64 packets;
  __u64 bytes;    /* lists: of inner packets; SIDs: of outer ones, as seg6local counts */
  __u64 resolved; /* nanoseconds of the monotonic clock: the last packet whose next hop the
                     kernel's neighbor table resolved */
};

struct sx_sid {
  __u8 address[16];
};

struct sx_delivery {
  __u32 device;   /* the gateway's link to the host */
  __u32 families; /* SX_INNER_* */
};

#ifdef __cplusplus
static_assert(sizeof(sx_prefix) == 20);
static_assert(sizeof(sx_path) == 4 + 8 * SX_MAX_LISTS);
static_assert(sizeof(sx_list) == 4 + SX_MAX_HEADER);
static_assert(sizeof(sx_count) == 24);
static_assert(sizeof(sx_delivery) == 8);
#endif

#endif
