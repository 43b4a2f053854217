#include "dataplane/linux/nexthops.h"

#include <linux/lwtunnel.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "dataplane/linux/fast_path.h"

namespace sextant::dataplane {
namespace {

using netlink::Attributes;
using netlink::Message;
using netlink::NexthopId;

constexpr std::uint32_t kMaxKernelWeight = 256;

std::uint8_t af(Family family) { return family == Family::kIpv4 ? AF_INET : AF_INET6; }

std::string nexthop_name(NexthopId id) { return "nexthop " + std::to_string(netlink::number(id)); }

// Weights of one group on the kernel's scale, which holds 1..256, less one.
std::vector<std::uint8_t> kernel_weights(const std::vector<WeightedNexthop>& wanted) {
  std::uint64_t largest = 1;
  for (const auto& nexthop : wanted) largest = std::max<std::uint64_t>(largest, nexthop.weight);
  std::vector<std::uint8_t> weights;
  for (const auto& nexthop : wanted) {
    std::uint64_t weight = nexthop.weight;
    if (largest > kMaxKernelWeight) weight = weight * kMaxKernelWeight / largest;
    weights.push_back(static_cast<std::uint8_t>(std::max<std::uint64_t>(weight, 1) - 1));
  }
  return weights;
}

void append_sids(std::string& text, const std::vector<srv6::Sid>& sids) {
  for (const auto& sid : sids) text += sid.to_string() + ",";
}

// Equal for equal contents; used to look nexthops up by what they do.
std::string fingerprint(const NexthopContent& content) {
  std::string text = content.family == Family::kIpv4 ? "4 " : "6 ";
  if (const auto* encap = std::get_if<Seg6Encap>(&content.action)) {
    text += encap->mode == srv6::EncapMode::kEncaps ? "encap " : "encap.red ";
    append_sids(text, encap->segments);
  } else if (const auto* local = std::get_if<Seg6Local>(&content.action)) {
    text += "local " + std::to_string(local->action) + " ";
    append_sids(text, local->segments);
  } else {
    text += "blackhole";
  }
  return text;
}

std::optional<NexthopContent> parse_content(const nhmsg& header, const Attributes& attributes) {
  NexthopContent content{.family = header.nh_family == AF_INET ? Family::kIpv4 : Family::kIpv6,
                         .action = Blackhole{}};
  if (attributes.has(NHA_BLACKHOLE)) return content;
  const auto encap = attributes.nest(NHA_ENCAP);
  switch (attributes.u16(NHA_ENCAP_TYPE).value_or(0)) {
    case LWTUNNEL_ENCAP_SEG6:
      if (auto seg6 = parse_seg6_encap(encap)) {
        content.action = std::move(*seg6);
        return content;
      }
      return std::nullopt;
    case LWTUNNEL_ENCAP_SEG6_LOCAL:
      if (auto local = parse_seg6_local(encap)) {
        content.action = std::move(*local);
        return content;
      }
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

}  // namespace

Result<void> Nexthops::read(netlink::Socket& socket, netlink::IfIndex outer) {
  outer_ = outer;
  kernel_.clear();
  garbage_.clear();
  garbage_groups_.clear();
  const auto result =
      socket.dump(Message(RTM_GETNEXTHOP, 0, nhmsg{}), [&](const nlmsghdr& message) {
        const auto* header = netlink::fixed_header<nhmsg>(message);
        const auto attributes = Attributes::of<nhmsg>(message);
        const auto id = attributes.u32(NHA_ID);
        if (header == nullptr || !id) return;
        last_id_ = std::max(last_id_, *id);
        auto& entry = kernel_[NexthopId{*id}];
        if (const auto group = attributes.bytes(NHA_GROUP)) {
          entry.group = true;
          for (std::size_t at = 0; at + sizeof(nexthop_grp) <= group->size();
               at += sizeof(nexthop_grp)) {
            nexthop_grp member{};
            std::memcpy(&member, group->data() + at, sizeof member);
            entry.members.push_back({.id = NexthopId{member.id}, .weight = member.weight});
          }
        } else if (attributes.u32(NHA_OIF).value_or(number(outer)) == number(outer)) {
          entry.content = parse_content(*header, attributes);
        }
      });
  if (!result) return result;
  handle_ids_.clear();
  std::erase_if(handles_, [&](const auto& entry) {
    const auto& handle = entry.second;
    const auto found = kernel_.find(handle.id);
    if (found == kernel_.end() || found->second.group != (handle.shape == Shape::kGroup)) {
      return true;
    }
    handle_ids_.insert(handle.id);
    return false;
  });
  index_unclaimed();
  return {};
}

bool Nexthops::claim(const Key& key, Shape shape, NexthopId id) {
  const auto found = kernel_.find(id);
  if (found == kernel_.end() || found->second.group != (shape == Shape::kGroup)) return false;
  if (const auto mine = handles_.find(key); mine != handles_.end()) return mine->second.id == id;
  if (!handle_ids_.insert(id).second) return false;
  handles_.emplace(key, Handle{.shape = shape, .id = id});
  return true;
}

void Nexthops::index_unclaimed() {
  by_content_.clear();
  std::unordered_set<NexthopId> members;
  for (const auto& [id, entry] : kernel_) {
    std::string whole = "group";
    for (const auto& member : entry.members) {
      members.insert(member.id);
      const auto known = kernel_.find(member.id);
      if (known != kernel_.end() && known->second.content) {
        whole += ";" + fingerprint(*known->second.content);
      }
    }
    if (entry.group) by_content_.emplace(std::move(whole), id);
  }
  for (const auto& [id, entry] : kernel_) {
    if (entry.content && !members.contains(id))
      by_content_.emplace(fingerprint(*entry.content), id);
  }
}

std::optional<NexthopId> Nexthops::unclaimed_like(Shape shape,
                                                  const std::vector<WeightedNexthop>& wanted) {
  if (by_content_.empty()) return std::nullopt;
  std::string content = shape == Shape::kGroup ? "group" : fingerprint(wanted.front().content);
  if (shape == Shape::kGroup) {
    for (const auto& nexthop : wanted) content += ";" + fingerprint(nexthop.content);
  }
  const auto [first, last] = by_content_.equal_range(content);
  const auto found = std::find_if(
      first, last, [&](const auto& entry) { return !handle_ids_.contains(entry.second); });
  if (found == last) return std::nullopt;
  return found->second;
}

NexthopId Nexthops::put(const Key& key, Shape shape, const std::vector<WeightedNexthop>& wanted,
                        Writes& writes) {
  auto found = handles_.find(key);
  if (found == handles_.end()) {
    const auto adopted = unclaimed_like(shape, wanted);
    const Handle handle{.shape = shape, .id = adopted ? *adopted : allocate()};
    found = handles_.emplace(key, handle).first;
    handle_ids_.insert(found->second.id);
  }
  const auto id = found->second.id;
  if (shape == Shape::kGroup) {
    put_group(id, wanted, writes);
  } else if (kernel_[id].content != wanted.front().content) {
    write(id, wanted.front().content, writes);
  }
  if (mirror_ != nullptr) mirror(id, writes.report());
  return id;
}

// A list before the path that takes it.
void Nexthops::mirror(NexthopId id, ApplyReport& report) {
  const auto& entry = kernel_[id];
  std::vector<FastPath::Share> shares;
  for (const auto& member : entry.group ? entry.members : std::vector{Member{.id = id}}) {
    const auto& content = kernel_[member.id].content;
    const auto* encap = content ? std::get_if<Seg6Encap>(&content->action) : nullptr;
    if (encap == nullptr) {  // dropped, or a local SID's: the gateway's business
      mirror_->remove_path(id, report);
      return;
    }
    mirror_->set_list(member.id, content->family, *encap, report);
    shares.push_back({.list = member.id, .weight = member.weight + 1U});
  }
  mirror_->set_path(id, shares, report);
}

void Nexthops::put_group(NexthopId id, const std::vector<WeightedNexthop>& wanted, Writes& writes) {
  auto spare = kernel_[id].members;
  const auto weights = kernel_weights(wanted);
  std::vector<Member> members;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const auto same = std::ranges::find_if(spare, [&](const Member& member) {
      const auto known = kernel_.find(member.id);
      return known != kernel_.end() && known->second.content == wanted[i].content;
    });
    if (same != spare.end()) {
      members.push_back({.id = same->id, .weight = weights[i]});
      spare.erase(same);
    } else {
      members.push_back({.id = allocate(), .weight = weights[i]});
      write(members.back().id, wanted[i].content, writes);
    }
  }
  if (kernel_[id].members != members) write_group(id, members, writes);
  for (const auto& member : spare) garbage_.push_back(member.id);
}

std::optional<NexthopId> Nexthops::find(const Key& key) const {
  const auto found = handles_.find(key);
  if (found == handles_.end()) return std::nullopt;
  return found->second.id;
}

std::vector<NexthopId> Nexthops::lists(const Key& key) const {
  std::vector<NexthopId> ids;
  const auto id = find(key);
  const auto entry = id ? kernel_.find(*id) : kernel_.end();
  if (entry == kernel_.end()) return ids;
  if (!entry->second.group) return {*id};
  for (const auto& member : entry->second.members) ids.push_back(member.id);
  return ids;
}

std::vector<Nexthops::Key> Nexthops::keys() const {
  std::vector<Key> keys;
  for (const auto& [key, handle] : handles_) keys.push_back(key);
  return keys;
}

void Nexthops::discard(const Handle& handle) {
  handle_ids_.erase(handle.id);
  if (handle.shape == Shape::kSingle) {
    garbage_.push_back(handle.id);
    return;
  }
  garbage_groups_.push_back(handle.id);
  for (const auto& member : kernel_[handle.id].members) garbage_.push_back(member.id);
}

void Nexthops::remove(const Key& key) {
  const auto found = handles_.find(key);
  if (found == handles_.end()) return;
  discard(found->second);
  handles_.erase(found);
}

void Nexthops::retain(const std::set<Key>& keep) {
  std::erase_if(handles_, [&](const auto& entry) {
    if (keep.contains(entry.first)) return false;
    discard(entry.second);
    return true;
  });
}

void Nexthops::disown_unclaimed() {
  by_content_.clear();
  std::set<NexthopId> used;
  for (const auto& [key, handle] : handles_) {
    used.insert(handle.id);
    for (const auto& member : kernel_[handle.id].members) used.insert(member.id);
  }
  used.insert(garbage_.begin(), garbage_.end());
  used.insert(garbage_groups_.begin(), garbage_groups_.end());
  for (const auto& [id, entry] : kernel_) {
    if (!used.contains(id)) (entry.group ? garbage_groups_ : garbage_).push_back(id);
  }
}

void Nexthops::collect(Writes& writes) {
  // A group goes before its members: the kernel would shrink it member by member otherwise.
  for (const auto* garbage : {&garbage_groups_, &garbage_}) {
    for (const auto id : *garbage) {
      if (mirror_ != nullptr) {
        mirror_->remove_path(id, writes.report());
        mirror_->remove_list(id, writes.report());
      }
      Message message(RTM_DELNEXTHOP, 0, nhmsg{});
      message.u32(NHA_ID, number(id)).about(nexthop_name(id));
      writes.add(message, {ENOENT});  // gone already is what is wanted
      kernel_.erase(id);
    }
  }
  garbage_groups_.clear();
  garbage_.clear();
}

NexthopId Nexthops::allocate() { return NexthopId{++last_id_}; }

void Nexthops::write(NexthopId id, const NexthopContent& content, Writes& writes) {
  Message message(RTM_NEWNEXTHOP, NLM_F_CREATE | NLM_F_REPLACE,
                  nhmsg{.nh_family = af(content.family),
                        .nh_protocol = number(netlink::RouteProtocol::kSextant)});
  message.u32(NHA_ID, number(id)).about(nexthop_name(id));
  if (std::holds_alternative<Blackhole>(content.action)) {
    message.flag(NHA_BLACKHOLE);
  } else {
    message.u32(NHA_OIF, number(outer_));
    if (const auto* encap = std::get_if<Seg6Encap>(&content.action)) {
      put_encap(message, NHA_ENCAP_TYPE, NHA_ENCAP, *encap);
    } else {
      put_encap(message, NHA_ENCAP_TYPE, NHA_ENCAP, std::get<Seg6Local>(content.action));
    }
  }
  writes.add(message);
  kernel_[id] = {.content = content, .members = {}, .group = false};
}

void Nexthops::write_group(NexthopId id, const std::vector<Member>& members, Writes& writes) {
  Message message(RTM_NEWNEXTHOP, NLM_F_CREATE | NLM_F_REPLACE,
                  nhmsg{.nh_protocol = number(netlink::RouteProtocol::kSextant)});
  message.u32(NHA_ID, number(id)).about(nexthop_name(id));
  std::vector<std::uint8_t> payload;
  for (const auto& member : members) {
    const nexthop_grp entry{.id = number(member.id), .weight = member.weight};
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(&entry);
    payload.insert(payload.end(), bytes, bytes + sizeof entry);
  }
  message.bytes(NHA_GROUP, payload);
  writes.add(message);
  kernel_[id] = {.content = std::nullopt, .members = members, .group = true};
}

}  // namespace sextant::dataplane
