// The source that the command line names.
#pragma once

#include <memory>

#include "agent/options.h"
#include "base/result.h"
#include "sources/source.h"

namespace boost::asio {
class io_context;
}

namespace sextant::kubernetes {
class KubernetesSource;
}

namespace sextant::agent {

struct MadeSource {
  std::unique_ptr<sources::Source> source;
  kubernetes::KubernetesSource* kubernetes = nullptr;  // `source`, where it is one
};

/// `io` must outlive it. Errors: the directory cannot be watched; the credentials are not usable.
[[nodiscard]] Result<MadeSource> make_source(const Options& options, boost::asio::io_context& io);

}  // namespace sextant::agent
