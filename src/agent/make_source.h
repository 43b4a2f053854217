// The source that the command line names.
#pragma once

#include <memory>

#include "agent/options.h"
#include "base/result.h"
#include "sources/source.h"

namespace boost::asio {
class io_context;
}

namespace sextant::agent {

/// `io` must outlive it.
[[nodiscard]] Result<std::unique_ptr<sources::Source>> make_source(const Options& options,
                                                                   boost::asio::io_context& io);

}  // namespace sextant::agent
