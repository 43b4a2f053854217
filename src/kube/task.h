// The coroutine type of this room's calls, without Asio's headers.
//
// Who awaits one includes <boost/asio/awaitable.hpp>. Coroutines of this room take their arguments
// by value, and stop where they wait when their thread of awaitables is cancelled.
//
// GCC 12 miscompiles aggregates that are made inside of a `co_await` expression, and conditional
// operators there: `co_await f({a, b})` and `x ? co_await f() : co_await g()` destroy things twice.
// Give arguments and awaitables names first.
#pragma once

namespace boost::asio {
class any_io_executor;
class io_context;
template <typename T, typename Executor>
class awaitable;
}  // namespace boost::asio

namespace sextant::kube {

template <typename T>
using Task = boost::asio::awaitable<T, boost::asio::any_io_executor>;

}  // namespace sextant::kube
