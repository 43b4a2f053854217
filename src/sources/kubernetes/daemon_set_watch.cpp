#include "sources/kubernetes/daemon_set_watch.h"

#include <boost/json.hpp>
#include <utility>

#include "base/log.h"
#include "kube/informer.h"
#include "sources/kubernetes/json_text.h"
#include "sources/kubernetes/resources.h"

namespace sextant::kubernetes {

struct DaemonSetWatch::State {
  struct Object {
    bool deleting = false;
  };

  State(kube::Client& client, std::string ns, std::string object)
      : name(std::move(object)),
        key(ns + "/" + name),
        informer(
            client, kDaemonSets, only(ns, name),
            [](const boost::json::object& daemon_set) {
              const boost::json::value value(daemon_set);
              return Object{!text_at(value, "metadata", "deletionTimestamp").empty()};
            },
            [this](std::span<const kube::Change<Object>>) { heard(); }) {}

  static kube::InformerOptions only(const std::string& ns, const std::string& name) {
    kube::InformerOptions options;
    options.ns = ns;
    options.selectors.field = "metadata.name=" + name;
    return options;
  }

  void heard() {
    const auto found = informer.find(key);
    const bool gone = found == nullptr ? seen : found->deleting;
    seen = seen || found != nullptr;
    if (gone == deleted) return;
    deleted = gone;
    if (deleted)
      log::info(
          "DaemonSet {} was deleted: when this agent is ended, it removes everything from "
          "the node",
          key);
    else
      log::info("DaemonSet {} is there again: forwarding outlives this agent", key);
  }

  std::string name;
  std::string key;
  bool seen = false;
  bool deleted = false;
  kube::Informer<Object> informer;
};

DaemonSetWatch::DaemonSetWatch(kube::Client& client, std::string ns, std::string name)
    : state_(std::make_unique<State>(client, std::move(ns), std::move(name))) {}

DaemonSetWatch::~DaemonSetWatch() = default;

void DaemonSetWatch::start() { state_->informer.start(); }

bool DaemonSetWatch::deleted() const { return state_->deleted; }

}  // namespace sextant::kubernetes
