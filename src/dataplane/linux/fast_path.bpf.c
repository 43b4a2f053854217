// The short cuts of tc between the host and its gateway namespace (fast_path.h).
//
// Whatever a program does not know or does not like it leaves alone (TC_ACT_UNSPEC): then the
// packet takes the way through the gateway, whose kernel knows everything.
//
// clang-format off
//   encapsulate: egress of sextant0 (host)    inner packets, past POSTROUTING -> H.Encaps -> the underlay's device
//   to_overlay:  egress of an uplink (host)   pods' packets to other nodes' own addresses -> sextant0
//   to_gateway:  ingress of an uplink (host)  outer packets to the gateway's SIDs -> `outer`, without a queue
//   decapsulate: ingress of outer (gateway)   End.DT4, End.DT6, End.DT46 -> sextant0 in the host
// clang-format on
#include <linux/bpf.h>  // before the helpers, whose declarations need its types
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
// clang-format off
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
// clang-format on

#include "fast_path_abi.h"

#define AF_INET6 10
#define IPPROTO_SRH 43
#define SRH_TYPE 4
// linux/bpf.h of 6.3 and later. An older kernel refuses the flag, and the packet goes the long way.
#define ADJ_ROOM_DECAP_L3_IPV4 (1ULL << 7)

struct srh_start {  // RFC 8754 section 2
  __u8 next_header, length, type, segments_left;
};

// A next agent finds maps by their names, of which the kernel keeps 15 characters.
struct {
  __uint(type, BPF_MAP_TYPE_LPM_TRIE);
  __uint(max_entries, SX_MAX_PREFIXES);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct sx_prefix);
  __type(value, __u32);  // path
} sx_prefixes SEC(".maps");

// Without preallocation an update is a new element that replaces the old one whole, so no packet
// sees half of it.
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, SX_MAX_PATHS);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, __u32);
  __type(value, struct sx_path);
} sx_paths SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, SX_MAX_PATHS);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, __u32);
  __type(value, struct sx_list);
} sx_lists SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_HASH);
  __uint(max_entries, SX_MAX_PATHS);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, __u32);  // list
  __type(value, struct sx_count);
} sx_list_counts SEC(".maps");

// What lists counted that paths have no more; the agent's alone, and here because it outlives it.
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, SX_MAX_PATHS);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, __u32);  // path
  __type(value, struct sx_count);
} sx_retired SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LPM_TRIE);
  __uint(max_entries, SX_MAX_SIDS);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct sx_prefix);
  __type(value, __u32);  // the host's link to the gateway; 0: the host's own routing
} sx_gateway_sids SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, SX_MAX_NODES);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct sx_sid);  // an address that outer packets come from
  __type(value, __u32);
} sx_nodes SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, SX_MAX_SIDS);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct sx_sid);
  __type(value, struct sx_delivery);
} sx_deliveries SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, SX_MAX_NODES);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct sx_sid);  // another node's own address, of either family
  __type(value, __u32);        // sextant0; 0: what a pod sends there is dropped
} sx_pod_routes SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LPM_TRIE);
  __uint(max_entries, SX_MAX_SIDS);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct sx_prefix);
  __type(value, __u32);
} sx_own_pods SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_HASH);
  __uint(max_entries, SX_MAX_SIDS);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct sx_sid);
  __type(value, struct sx_count);
} sx_sid_counts SEC(".maps");

// Null for the first one.
static __always_inline struct sx_count* count(void* map, const void* key, __u32 packets,
                                              __u64 bytes) {
  struct sx_count* counted = bpf_map_lookup_elem(map, key);
  if (counted) {
    counted->packets += packets;
    counted->bytes += bytes;
    return counted;
  }
  struct sx_count first = {.packets = packets, .bytes = bytes};
  bpf_map_update_elem(map, key, &first, BPF_ANY);
  return 0;
}

// A next hop's MAC address is as old as the neighbor table's last use of it: so each second one
// packet a list and CPU goes by that table, which then asks the next hop again where it must.
static __always_inline int may_skip_neighbor(struct sx_count* counted) {
  if (!counted) return 0;
  const __u64 now = bpf_ktime_get_coarse_ns();
  if (now - counted->resolved < 1000000000) return 1;
  counted->resolved = now;
  return 0;
}

// What the underlay's routing says of the outer packet. A packet that is too long for the route
// goes the long way, where it is answered.
static __always_inline long route(struct __sk_buff* skb, const struct sx_list* list, __be32 flow,
                                  __u32 length, struct bpf_fib_lookup* fib) {
  fib->family = AF_INET6;
  fib->ifindex = skb->ifindex;
  fib->tot_len = length;
  fib->flowinfo = flow;
  fib->l4_protocol = list->header[6];
  __builtin_memcpy(fib->ipv6_src, list->header + 8, 16);
  __builtin_memcpy(fib->ipv6_dst, list->header + 24, 16);
  return bpf_fib_lookup(skb, fib, sizeof *fib, 0);
}

static __always_inline const struct sx_list* choose(struct __sk_buff* skb,
                                                    const struct sx_path* path, __u32* id) {
  *id = path->lists[0].list;
  if (path->count > 1) {
    // The addresses' and ports' own hash, not the one that a sender's TCP changes as it likes: a
    // flow stays on its list.
    bpf_set_hash_invalid(skb);
    const __u32 hash = bpf_get_hash_recalc(skb);
    for (int i = 0; i < SX_MAX_LISTS; ++i) {
      if (i >= path->count) break;
      *id = path->lists[i].list;
      if (hash <= path->lists[i].bound) break;
    }
  }
  return bpf_map_lookup_elem(&sx_lists, id);
}

SEC("tc")
int sx_encapsulate(struct __sk_buff* skb) {
  void* data = (void*)(long)skb->data;
  void* end = (void*)(long)skb->data_end;
  struct sx_prefix key = {.length = 128};
  __u32 traffic_class, inner_headers;  // RFC 6040, RFC 2983: DSCP and ECN are copied
  if (skb->protocol == bpf_htons(ETH_P_IP)) {
    const struct iphdr* ip = data + ETH_HLEN;
    if ((void*)(ip + 1) > end) return TC_ACT_UNSPEC;
    key.address[10] = key.address[11] = 0xff;
    __builtin_memcpy(key.address + 12, &ip->daddr, 4);
    traffic_class = ip->tos;
    inner_headers = 40;
  } else if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
    const struct ipv6hdr* ip = data + ETH_HLEN;
    if ((void*)(ip + 1) > end) return TC_ACT_UNSPEC;
    __builtin_memcpy(key.address, &ip->daddr, 16);
    traffic_class = ip->priority << 4 | ip->flow_lbl[0] >> 4;
    inner_headers = 60;
  } else {
    return TC_ACT_UNSPEC;
  }
  const __u32* path_id = bpf_map_lookup_elem(&sx_prefixes, &key);
  if (!path_id) return TC_ACT_UNSPEC;
  const struct sx_path* path = bpf_map_lookup_elem(&sx_paths, path_id);
  if (!path) return TC_ACT_UNSPEC;
  __u32 list_id;
  const struct sx_list* list = choose(skb, path, &list_id);
  if (!list) return TC_ACT_UNSPEC;
  __u64 added = list->length;
  if (added > SX_MAX_HEADER) return TC_ACT_UNSPEC;
  asm volatile("" : "+r"(added));  // two comparisons, or the verifier loses one of the bounds
  if (added < sizeof(struct ipv6hdr)) return TC_ACT_UNSPEC;
  const __u32 inner = skb->len - ETH_HLEN;
  const __u32 payload = inner + added - sizeof(struct ipv6hdr);
  if (payload > 0xffff) return TC_ACT_UNSPEC;

  // RFC 6437: the underlay's ECMP gets the entropy of inner flows.
  const __be32 flow =
      bpf_htonl(6u << 28 | traffic_class << 20 | (bpf_get_hash_recalc(skb) & 0xfffff));
  struct bpf_fib_lookup fib = {};
  // Of a packet that is segmented later, at least this much (TCP's options aside).
  const __u32 length = skb->gso_size ? skb->gso_size + inner_headers : inner;
  const long routed = route(skb, list, flow & bpf_htonl(0x0fffffff), length + added, &fib);
  if (routed != BPF_FIB_LKUP_RET_SUCCESS && routed != BPF_FIB_LKUP_RET_NO_NEIGH)
    return TC_ACT_UNSPEC;
  const __u32 packets = skb->gso_segs > 1 ? skb->gso_segs : 1;

  // The pods' MTU leaves room for the header: segments keep their size.
  if (bpf_skb_adjust_room(skb, added, BPF_ADJ_ROOM_MAC,
                          BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 | BPF_F_ADJ_ROOM_FIXED_GSO) != 0) {
    return TC_ACT_UNSPEC;  // as inside of another tunnel's super-packet
  }
  if (bpf_skb_store_bytes(skb, ETH_HLEN, list->header, added, 0) != 0) return TC_ACT_SHOT;
  data = (void*)(long)skb->data;
  end = (void*)(long)skb->data_end;
  struct ethhdr* ethernet = data;
  struct ipv6hdr* outer = data + ETH_HLEN;
  if ((void*)(outer + 1) > end) return TC_ACT_SHOT;
  *(__be32*)outer = flow;
  outer->payload_len = bpf_htons(payload);
  struct sx_count* counted = count(&sx_list_counts, &list_id, packets, inner);
  if (routed == BPF_FIB_LKUP_RET_NO_NEIGH || !may_skip_neighbor(counted)) {
    // By its own look at the routes: with the next hop given, a packet that waits for the neighbor
    // would be sent to the one of its inner route (net/core/neighbour.c, neigh_update).
    return bpf_redirect_neigh(fib.ifindex, 0, 0, 0);
  }
  __builtin_memcpy(ethernet->h_dest, fib.dmac, ETH_ALEN);
  __builtin_memcpy(ethernet->h_source, fib.smac, ETH_ALEN);
  ethernet->h_proto = bpf_htons(ETH_P_IPV6);
  return bpf_redirect(fib.ifindex, 0);
}

SEC("tc")
int sx_to_gateway(struct __sk_buff* skb) {
  if (skb->protocol != bpf_htons(ETH_P_IPV6) || skb->pkt_type != 0) return TC_ACT_UNSPEC;
  void* data = (void*)(long)skb->data;
  void* end = (void*)(long)skb->data_end;
  const struct ipv6hdr* ip = data + ETH_HLEN;
  if ((void*)(ip + 1) > end) return TC_ACT_UNSPEC;
  struct sx_prefix key = {.length = 128};
  __builtin_memcpy(key.address, &ip->daddr, 16);
  const __u32* device = bpf_map_lookup_elem(&sx_gateway_sids, &key);
  if (!device || *device == 0) return TC_ACT_UNSPEC;
  struct sx_sid source;
  __builtin_memcpy(source.address, &ip->saddr, 16);
  if (!bpf_map_lookup_elem(&sx_nodes, &source)) return TC_ACT_UNSPEC;
  return bpf_redirect_peer(*device, 0);
}

// The host reaches other nodes by the underlay, its pods by the overlay, whose addresses the
// underlay does not know. A routing rule could tell them apart too, but makes every look-up of the
// host slower.
SEC("tc")
int sx_to_overlay(struct __sk_buff* skb) {
  void* data = (void*)(long)skb->data;
  void* end = (void*)(long)skb->data_end;
  struct sx_sid node = {};
  struct sx_prefix source = {.length = 128};
  if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
    const struct ipv6hdr* ip = data + ETH_HLEN;
    if ((void*)(ip + 1) > end) return TC_ACT_UNSPEC;
    __builtin_memcpy(node.address, &ip->daddr, 16);
    __builtin_memcpy(source.address, &ip->saddr, 16);
  } else if (skb->protocol == bpf_htons(ETH_P_IP)) {
    const struct iphdr* ip = data + ETH_HLEN;
    if ((void*)(ip + 1) > end) return TC_ACT_UNSPEC;
    node.address[10] = node.address[11] = source.address[10] = source.address[11] = 0xff;
    __builtin_memcpy(node.address + 12, &ip->daddr, 4);
    __builtin_memcpy(source.address + 12, &ip->saddr, 4);
  } else {
    return TC_ACT_UNSPEC;
  }
  const __u32* device = bpf_map_lookup_elem(&sx_pod_routes, &node);
  if (!device || !bpf_map_lookup_elem(&sx_own_pods, &source)) return TC_ACT_UNSPEC;
  if (*device == 0) return TC_ACT_SHOT;
  const __u32 overlay = *device;
  const struct ethhdr ethernet = {.h_dest = {0x02, 0x53, 0x58, 0x00, 0x00, 0x02},
                                  .h_source = {0x02, 0x53, 0x58, 0x00, 0x00, 0x01},
                                  .h_proto = skb->protocol};
  if (bpf_skb_store_bytes(skb, 0, &ethernet, sizeof ethernet, 0) != 0) return TC_ACT_SHOT;
  return bpf_redirect(overlay, 0);
}

// The length of the headers in front of the inner packet and its protocol; 0: not for us.
static __always_inline __u32 outer_length(const struct ipv6hdr* outer, void* end,
                                          __u8* inner_protocol) {
  *inner_protocol = outer->nexthdr;
  if (outer->nexthdr != IPPROTO_SRH) return sizeof *outer;
  const struct srh_start* srh = (const void*)(outer + 1);
  if ((void*)(srh + 1) > end) return 0;
  // RFC 8986 section 4.6: only where this SID is the last.
  if (srh->type != SRH_TYPE || srh->segments_left != 0) return 0;
  *inner_protocol = srh->next_header;
  return sizeof *outer + (srh->length + 1) * 8;
}

SEC("tc")
int sx_decapsulate(struct __sk_buff* skb) {
  // A super-packet keeps marks of its tunnel that only the kernel's own decapsulation clears.
  if (skb->protocol != bpf_htons(ETH_P_IPV6) || skb->gso_size != 0) return TC_ACT_UNSPEC;
  void* data = (void*)(long)skb->data;
  void* end = (void*)(long)skb->data_end;
  const struct ipv6hdr* outer = data + ETH_HLEN;
  if ((void*)(outer + 1) > end) return TC_ACT_UNSPEC;
  struct sx_sid sid;
  __builtin_memcpy(sid.address, &outer->daddr, 16);
  const struct sx_delivery* delivery = bpf_map_lookup_elem(&sx_deliveries, &sid);
  if (!delivery) return TC_ACT_UNSPEC;
  __u8 inner_protocol;
  const __u32 removed = outer_length(outer, end, &inner_protocol);
  if (removed == 0) return TC_ACT_UNSPEC;
  const __u32 offset = ETH_HLEN + removed;
  __u8 layer4;
  __be16 protocol;
  __u64 flags = BPF_F_ADJ_ROOM_NO_CSUM_RESET;
  if (inner_protocol == IPPROTO_IPIP && delivery->families & SX_INNER_IPV4) {
    if (bpf_skb_load_bytes(skb, offset + 9, &layer4, 1) != 0) return TC_ACT_UNSPEC;
    protocol = bpf_htons(ETH_P_IP);
    flags |= ADJ_ROOM_DECAP_L3_IPV4;
  } else if (inner_protocol == IPPROTO_IPV6 && delivery->families & SX_INNER_IPV6) {
    if (bpf_skb_load_bytes(skb, offset + 6, &layer4, 1) != 0) return TC_ACT_UNSPEC;
    protocol = bpf_htons(ETH_P_IPV6);
  } else {
    return TC_ACT_UNSPEC;
  }
  const __u32 device = delivery->device;
  const __u32 bytes = skb->len - ETH_HLEN;  // as seg6local counts
  if (bpf_skb_adjust_room(skb, -(__s32)removed, BPF_ADJ_ROOM_MAC, flags) != 0) return TC_ACT_UNSPEC;
  struct ethhdr ethernet = {.h_dest = {0x02, 0x53, 0x58, 0x00, 0x00, 0x01},
                            .h_source = {0x02, 0x53, 0x58, 0x00, 0x00, 0x02},
                            .h_proto = protocol};
  if (bpf_skb_store_bytes(skb, 0, &ethernet, sizeof ethernet, 0) != 0) return TC_ACT_SHOT;
  count(&sx_sid_counts, &sid, 1, bytes);
  // TCP's super-packets pass the link's queue; its single packets must not overtake them.
  return layer4 == IPPROTO_TCP ? bpf_redirect(device, 0) : bpf_redirect_peer(device, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
