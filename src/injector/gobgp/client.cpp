#include "injector/gobgp/client.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <utility>

#include "base/ip.h"

namespace sextant::injector {
namespace {

constexpr std::chrono::milliseconds kFirstAnswer{5'000};

std::string authority(const GobgpOptions& options) {
  const auto address = IpAddress::parse(options.host);
  const bool brackets = address && address->is_v6();
  return (brackets ? "[" + options.host + "]" : options.host) + ":" + std::to_string(options.port);
}

std::shared_ptr<grpc::Channel> channel_to(const GobgpOptions& options) {
  const auto address = IpAddress::parse(options.host);
  const std::string scheme = !address ? "dns:///" : address->is_v6() ? "ipv6:" : "ipv4:";
  grpc::ChannelArguments arguments;
  // A router's management port is asked directly, whatever the environment says of the Web.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  arguments.SetMaxReceiveMessageSize(-1);
  return grpc::CreateCustomChannel(scheme + authority(options), grpc::InsecureChannelCredentials(),
                                   arguments);
}

/// "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:50051: Failed to
/// connect to remote host: Connection refused": the end says it.
std::string end_of(const std::string& message) {
  const auto at = message.rfind(": ");
  return at == std::string::npos ? message : message.substr(at + 2);
}

}  // namespace

/// A call's context with the deadline.
class GobgpClient::Call {
 public:
  explicit Call(std::chrono::milliseconds deadline) {
    context_.set_deadline(std::chrono::system_clock::now() + deadline);
  }
  grpc::ClientContext* operator()() { return &context_; }

 private:
  grpc::ClientContext context_;
};

GobgpClient::GobgpClient(const GobgpOptions& options)
    : options_(options),
      place_("GoBGP at " + authority(options)),
      stub_(apipb::GobgpApi::NewStub(channel_to(options))) {}

Result<void> GobgpClient::judge(const grpc::Status& status, std::string operation,
                                std::chrono::milliseconds deadline) const {
  if (status.ok()) return {};
  std::string cause = status.error_message();
  std::string hint;
  switch (status.error_code()) {
    case grpc::StatusCode::UNAVAILABLE:
      cause = end_of(cause);
      hint =
          "is gobgpd running there, and does its --api-hosts take calls from here? Its port is "
          "50051 by default";
      break;
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      cause = "no answer within " + std::to_string(deadline.count()) + " ms";
      hint = "is it GoBGP's gRPC port, and no firewall in between?";
      break;
    case grpc::StatusCode::UNIMPLEMENTED:
      cause = "it does not have the service apipb.GobgpApi: " + cause;
      hint = "GoBGP 3 has it; another program, or another version of GoBGP, answers there";
      break;
    default:
      hint = "gobgpd's log says more";
  }
  return failure(std::move(operation), place_, std::move(cause), std::move(hint));
}

Result<void> GobgpClient::require_bgp() {
  const auto deadline = std::min(options_.deadline, kFirstAnswer);
  Call call(deadline);
  apipb::GetBgpResponse answer;
  if (auto done = judge(stub_->GetBgp(call(), {}, &answer), "ask", deadline); !done) return done;
  if (answer.global().asn() == 0) {
    return failure("use", place_, "no BGP server runs in it",
                   "give gobgpd a configuration with [global.config], or run `gobgp global as AS "
                   "router-id ID`");
  }
  return {};
}

Result<std::vector<apipb::Path>> GobgpClient::paths(apipb::TableType table, bgp::Family family,
                                                    const std::string& peer) {
  apipb::ListPathRequest request;
  request.set_table_type(table);
  request.set_name(peer);
  request.mutable_family()->set_afi(static_cast<apipb::Family_Afi>(family.afi));
  request.mutable_family()->set_safi(static_cast<apipb::Family_Safi>(family.safi));
  // Nothing gets lost, and GoBGP 3.10 does not crash: it does when it makes messages of segment
  // lists that came without weight.
  request.set_enable_only_binary(true);

  Call call(options_.deadline);
  const auto stream = stub_->ListPath(call(), request);
  std::vector<apipb::Path> found;
  apipb::ListPathResponse answer;
  while (stream->Read(&answer)) {
    for (auto& path : *answer.mutable_destination()->mutable_paths()) {
      found.push_back(std::move(path));
    }
  }
  if (auto done = judge(stream->Finish(), "list the routes of", options_.deadline); !done) {
    return tl::unexpected(done.error());
  }
  return found;
}

Result<std::vector<apipb::Peer>> GobgpClient::peers() {
  Call call(options_.deadline);
  const auto stream = stub_->ListPeer(call(), {});
  std::vector<apipb::Peer> found;
  apipb::ListPeerResponse answer;
  while (stream->Read(&answer)) found.push_back(std::move(*answer.mutable_peer()));
  if (auto done = judge(stream->Finish(), "list the peers of", options_.deadline); !done) {
    return tl::unexpected(done.error());
  }
  return found;
}

Result<void> GobgpClient::update(std::vector<apipb::Path> paths) {
  // One message: GoBGP reads all of it before it changes anything.
  apipb::AddPathStreamRequest request;
  request.set_table_type(apipb::TableType::GLOBAL);
  for (auto& path : paths) *request.add_paths() = std::move(path);

  Call call(options_.deadline);
  google::protobuf::Empty nothing;
  const auto stream = stub_->AddPathStream(call(), &nothing);
  stream->Write(request);  // where that fails, Finish says why
  stream->WritesDone();
  return judge(stream->Finish(), "change the routes of", options_.deadline);
}

}  // namespace sextant::injector
