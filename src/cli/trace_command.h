// `sextant trace`, and its form inside a testbed.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/trace_run.h"

namespace CLI {
class App;
}

namespace sextant::cli {

/// What the command line of a trace says.
struct TraceArguments {
  TraceRequest request;
  std::string family, protocol;
  std::string output = "table";
  double timeout_seconds = 0.5;
};

/// The arguments and options that both forms share.
void add_trace_options(CLI::App& command, const std::shared_ptr<TraceArguments>& arguments);
/// Traces, prints, and throws CLI::RuntimeError(1) where something was lost or went wrong.
void run_trace_command(TraceArguments& arguments, std::vector<TraceSite> sites);

void add_trace_command(CLI::App& app);

}  // namespace sextant::cli
