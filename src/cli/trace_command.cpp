#include "cli/trace_command.h"

#include <CLI/CLI.hpp>
#include <boost/json/value.hpp>
#include <iostream>

#include "agent/defaults.h"
#include "cli/help.h"
#include "cli/output.h"

namespace sextant::cli {
namespace {

[[noreturn]] void fail(const std::string& message) {
  std::cerr << "sextant: " << message << '\n';
  throw CLI::RuntimeError(1);
}

TraceRequest complete(const TraceArguments& arguments) {
  auto request = arguments.request;
  if (arguments.family == "4") request.family = Family::kIpv4;
  if (arguments.family == "6") request.family = Family::kIpv6;
  for (const auto protocol : {trace::Protocol::kIcmp, trace::Protocol::kUdp, trace::Protocol::kTcp})
    if (arguments.protocol == to_string(protocol)) request.protocol = protocol;
  const bool ports = request.source_port != 0 || request.destination_port != 0;
  if (ports && !request.protocol) request.protocol = trace::Protocol::kUdp;
  if (ports && request.protocol == trace::Protocol::kIcmp)
    fail("ICMP has no ports: use --protocol udp or tcp with them");
  request.limits.timeout =
      std::chrono::milliseconds(static_cast<std::int64_t>(arguments.timeout_seconds * 1000));
  return request;
}

}  // namespace

void add_trace_options(CLI::App& command, const std::shared_ptr<TraceArguments>& arguments) {
  auto& request = arguments->request;
  command
      .add_option("FROM", request.source,
                  "A pod or a node: its address, or its name where that is known here")
      ->required();
  command.add_option("TO", request.destination, "Likewise")->required();
  command.add_flag("--all", request.all, "Trace every segment list of a weighted policy");
  command.add_flag("--one-way", request.one_way, "Not the way back");
  command.add_option("--family", arguments->family, "4 or 6, where both ends are names")
      ->check(CLI::IsMember({"4", "6"}));
  command
      .add_option("--protocol", arguments->protocol,
                  "Of the traced flow: icmp, udp or tcp (default icmp; udp with --all)")
      ->check(CLI::IsMember({"icmp", "udp", "tcp"}));
  command
      .add_option("--source-port", request.source_port,
                  "Of the traced flow (default: one of the dynamic range)")
      ->type_name("PORT")
      ->check(CLI::Range(1, 65535));
  command
      .add_option("--destination-port", request.destination_port,
                  "Of the traced flow (default: UDP 33434, TCP 80)")
      ->type_name("PORT")
      ->check(CLI::Range(1, 65535));
  command
      .add_option("--flow-label", request.flow_label,
                  "Of the outer header, as tcpdump shows it in the underlay (default: as the flow "
                  "leaves)")
      ->type_name("LABEL")
      ->check(CLI::Range(0, 0xfffff));
  command.add_option("--timeout", arguments->timeout_seconds, "Seconds to wait for one answer")
      ->type_name("S")
      ->check(CLI::Range(0.01, 60.0))
      ->capture_default_str();
  command.add_option("--max-hops", request.limits.max_hops, "Give up behind so many hops")
      ->type_name("N")
      ->check(CLI::Range(1, 127))
      ->capture_default_str();
  command.add_option("-o,--output", arguments->output, "How to print: table, json or yaml")
      ->check(CLI::IsMember({"table", "json", "yaml"}))
      ->capture_default_str();
}

void run_trace_command(TraceArguments& arguments, std::vector<TraceSite> sites) {
  const auto report = run_trace(complete(arguments), std::move(sites));
  // What the agent refuses, it has put in words of its own.
  if (!report)
    fail(report.error().operation.empty() ? report.error().cause : report.error().message());
  const boost::json::value value(*report);
  if (arguments.output == "json")
    std::cout << indented_json(value);
  else if (arguments.output == "yaml")
    std::cout << yaml(value);
  else
    std::cout << trace_table(value);
  if (!std::cout.flush()) fail("write to standard output failed");
  if (!trace_arrived(*report)) throw CLI::RuntimeError(1);
}

void add_trace_command(CLI::App& app) {
  auto* command = app.add_subcommand(
      "trace", "The path between two pods, hop by hop, as the packets take it, and why");
  const auto arguments = std::make_shared<TraceArguments>();
  const auto socket = std::make_shared<std::string>(agent::kDefaultSocket);
  add_trace_options(*command, arguments);
  command->add_option("--socket", *socket, "The agent's Unix socket")
      ->type_name("PATH")
      ->envname("SEXTANT_SOCKET")
      ->capture_default_str();
  command->callback([arguments, socket] {
    arguments->request.pods = list_pod_names(kCniCache);
    run_trace_command(*arguments, {{.node = {}, .socket = *socket, .netns = {}}});
  });
  teach(*command,
        {.examples = {{"sextant trace 172.16.0.2 172.16.1.3", "both directions, SID by SID (root)"},
                      {"sextant trace worker1 worker2 --family 6", "between the nodes themselves"},
                      {"sextant trace --all 172.16.0.2 172.16.1.3", "every list of the policies"},
                      {"sextant trace --protocol tcp --destination-port 443 172.16.0.2 172.16.1.3",
                       "the way of such a flow"}},
         .exit_statuses = {{0, "every traced list led to its end"},
                           {1, "packets are lost, or nothing could be traced"}},
         .read_on = {"docs/trace.md            what is probed, and how to read it",
                     "docs/reference-api.md    the fields of -o json and yaml"}});
}

}  // namespace sextant::cli
