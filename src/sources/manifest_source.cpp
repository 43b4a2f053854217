#include "sources/manifest_source.h"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <utility>

#include "base/log.h"
#include "sources/manifest_directory.h"

namespace sextant::sources {
namespace {

namespace asio = boost::asio;

constexpr std::chrono::seconds kRetry{1};

void rethrow(const std::exception_ptr& error) {
  if (error) std::rethrow_exception(error);  // a bug: it ends the loop
}

class ManifestSource final : public Source {
 public:
  ManifestSource(asio::io_context& io, std::string path, ManifestDirectory directory)
      : io_(io), path_(std::move(path)), directory_(std::move(directory)) {}

  void start(Listener listener) override {
    listener_ = std::move(listener);
    log::info("following the manifests in {}", path_);
    asio::co_spawn(io_, follow(), rethrow);
  }
  void reload() override {
    log::info("reading all manifests in {} again", path_);
    const auto change = directory_.reload();
    if (!change) log::error({{"error", change.error()}}, "{}", change.error().message());
    listener_(change);
  }
  [[nodiscard]] const overlay::Intent& intent() const override { return directory_.intent(); }
  [[nodiscard]] const Peering& peering() const override { return directory_.peering(); }
  [[nodiscard]] std::vector<Finding> findings() const override { return directory_.findings(); }
  [[nodiscard]] bool loaded() const override { return directory_.loaded(); }
  /// A bad file may hold any object.
  [[nodiscard]] bool in_doubt(const std::string& /*node*/) const override {
    const auto all = findings();
    return std::ranges::any_of(
        all, [](const Finding& finding) { return finding.severity == Severity::kError; });
  }
  [[nodiscard]] std::string kind() const override { return "manifests"; }
  [[nodiscard]] std::string place() const override { return path_; }

 private:
  asio::awaitable<void> follow() {
    // The directory keeps its descriptor; the loop closes the copy.
    asio::posix::stream_descriptor descriptor(io_, ::dup(directory_.fd()));
    asio::steady_timer pause(io_);
    for (;;) {
      co_await descriptor.async_wait(asio::posix::descriptor_base::wait_read, asio::use_awaitable);
      const auto change = directory_.poll();
      listener_(change);
      if (change) continue;
      log::error({{"error", change.error()}}, "{}; the last good state stays",
                 change.error().message());
      pause.expires_after(kRetry);
      co_await pause.async_wait(asio::use_awaitable);
    }
  }

  asio::io_context& io_;
  std::string path_;
  ManifestDirectory directory_;
  Listener listener_;
};

}  // namespace

Result<std::unique_ptr<Source>> open_manifests(asio::io_context& io, std::string directory) {
  auto opened = ManifestDirectory::open(directory);
  if (!opened) return tl::unexpected(opened.error());
  return std::make_unique<ManifestSource>(io, std::move(directory), std::move(*opened));
}

}  // namespace sextant::sources
