// The monotonic clock of a fuzzer: it stands still until the fuzzer says otherwise, so that an
// input means the same however slow the machine is.
//
// It takes the place of the C++ library's in the whole program. Timers of an io_context are told
// of a step by advance(), since the kernel's own timers know nothing of it.
#pragma once

#include <chrono>

namespace boost::asio {
class io_context;
}

namespace sextant::fuzz {

/// Back to where every input begins.
void reset_clock();
/// Timers that are due by then end in the next io.poll().
void advance(boost::asio::io_context& io, std::chrono::milliseconds time);

}  // namespace sextant::fuzz
