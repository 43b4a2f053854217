#include "agent/make_source.h"

#include "base/version.h"
#include "kube/client.h"
#include "kube/config.h"
#include "sources/bgp/bgp_source.h"
#include "sources/kubernetes/kubernetes_source.h"
#include "sources/manifest_source.h"

namespace sextant::agent {

namespace {

Result<MadeSource> make_primary(const Options& options, bool peering, boost::asio::io_context& io) {
  const auto& wanted = options.kubernetes;
  if (!wanted.wanted()) {
    auto opened = sources::open_manifests(io, options.manifests);
    if (!opened) return tl::unexpected(opened.error());
    return MadeSource{.source = std::move(*opened)};
  }
  auto config = wanted.in_cluster ? kube::in_cluster_config()
                                  : kube::load_kubeconfig(wanted.kubeconfig, wanted.context);
  if (!config) return tl::unexpected(config.error());
  // The API server begins an answer at once or queues the request for some seconds: one that takes
  // longer hangs, and another attempt may reach one that does not.
  kube::ClientOptions client{.user_agent = "sextantd/" + std::string(version()),
                             .header_timeout = std::chrono::seconds(30)};
  auto read = wanted.read;
  read.peering = peering;
  auto made = std::make_unique<kubernetes::KubernetesSource>(
      io, std::make_unique<kube::Client>(io, std::move(*config), std::move(client)),
      std::move(read));
  auto* const kubernetes = made.get();
  return MadeSource{.source = std::move(made), .kubernetes = kubernetes};
}

}  // namespace

Result<MadeSource> make_source(const Options& options, boost::asio::io_context& io,
                               bool restarting) {
  if (options.bgp.empty()) return make_primary(options, false, io);
  auto settings = bgp_source::load_settings(options.bgp);
  if (!settings) return tl::unexpected(settings.error());
  auto made = make_primary(options, settings->calico.has_value(), io);
  if (!made) return made;
  auto bgp = std::make_unique<bgp_source::BgpSource>(
      io, std::move(made->source), std::move(*settings),
      bgp_source::BgpSource::Options{
          .node = options.node, .file = options.bgp, .restarting = restarting});
  made->bgp = bgp.get();
  made->source = std::move(bgp);
  return made;
}

}  // namespace sextant::agent
