// A block of path attributes: what is acceptable is written again and reads back. The first byte
// chooses session and family.
#include <cstddef>
#include <cstdint>
#include <span>

#include "bgp/wire/attributes.h"
#include "require.h"

using namespace sextant;
using namespace sextant::bgp;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const SessionFacts facts{(data[0] & 1) == 0, (data[0] & 2) == 0,
                           static_cast<SrPolicyDialect>((data[0] >> 2) % 3)};
  const bool classic = (data[0] & 0x40) != 0;
  const RouteKind kind{classic                 ? kIpv4Unicast
                       : (data[0] & 0x80) != 0 ? kSrPolicyIpv6
                                               : kIpv6Unicast,
                       classic};
  const auto first = decode_attributes({data + 1, size - 1}, facts, kind);
  if (first.judgement.verdict() > Verdict::kAttributeDiscard) return 0;
  const auto& attributes = first.attributes;
  (void)attributes.color();
  (void)attributes.as_path.to_string();
  (void)attributes.as_path.neighbor();
  for (const auto& community : attributes.extended_communities) (void)to_string(community);
  for (const auto& community : attributes.communities) {
    fuzz::require(community_of(to_string(community)) == community, "a community's text reads back");
  }
  const auto block = encode_attributes(attributes, facts);
  const auto second = decode_attributes(block, facts, {kind.family, false});
  fuzz::require(second.judgement.verdict() == Verdict::kAccept, "an own block is accepted");
  auto expected = attributes;
  expected.next_hop.reset();  // the writer's business
  fuzz::require(second.attributes == expected, "attributes read back");
  fuzz::require(second.unusable == first.unusable, "use reads back");
  fuzz::require(encode_attributes(second.attributes, facts) == block, "the block is canonical");
  return 0;
}
