// The Tunnel Encapsulation attribute of an SR Policy.
#include <cstddef>
#include <cstdint>

#include "bgp/wire/sr_policy_tunnel.h"
#include "require.h"

using namespace sextant;
using namespace sextant::bgp;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto tunnel = decode_sr_policy({data, size});
  if (!tunnel) return 0;
  (void)tunnel->srv6_bsid();
  fuzz::require(tunnel->unusable(SrPolicyDialect::kStandard).empty() <=
                    tunnel->unusable(SrPolicyDialect::kCalicoVpp).empty(),
                "a laxer dialect finds no less of use");
  const auto bytes = encode_sr_policy(*tunnel);
  fuzz::require(bytes.has_value(), "what came in fits on the way out");
  const auto again = decode_sr_policy(*bytes);
  fuzz::require(again && *again == *tunnel, "the policy reads back");
  return 0;
}
