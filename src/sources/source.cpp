#include "sources/source.h"

namespace sextant::sources {

const Peering& Source::peering() const {
  static const Peering kNone;
  return kNone;
}

}  // namespace sextant::sources
