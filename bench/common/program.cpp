#include "common/program.h"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <map>
#include <optional>
#include <stdexcept>

#include "common/space.h"
#include "testbed/interruption.h"

namespace sextant::bench {
namespace {

struct Interrupted {};

constexpr int kFailed = 1, kWrongUse = 2, kInterrupted = 130;

const testbed::Interruption* interruption = nullptr;

void print(const std::vector<Row>& rows, Format format) {
  if (format == Format::kTable) {
    std::cout << to_table(rows);
  } else {
    for (const Row& row : rows) std::cout << to_json(row) << '\n';
  }
  std::cout.flush();
}

}  // namespace

bool Options::wants(std::string_view name) const {
  return cases.empty() ||
         std::ranges::any_of(cases, [&](const auto& start) { return name.starts_with(start); });
}

int run_program(int argc, char** argv, const About& about,
                const std::function<std::vector<Row>(const Options&)>& measure) {
  Options options;
  CLI::App app{about.text, "bench-" + about.name};
  app.add_option("--runs", options.runs, "measurements of each case; the median counts")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("-o,--output", options.format, "table, or json: one object a line")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, Format>{{"table", Format::kTable}, {"json", Format::kJson}}))
      ->option_text("table|json");
  app.add_option("--case", options.cases, "only the cases whose names begin so")
      ->option_text("NAME...");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kWrongUse;
  }
  // Standard output is for the results: what measured code logs goes the way of the progress.
  spdlog::set_default_logger(spdlog::stderr_logger_mt("bench-" + about.name));
  const testbed::Interruption watch;
  interruption = &watch;
  try {
    remove_abandoned_spaces();
    const auto rows = measure(options);
    if (rows.empty()) {
      std::cerr << fmt::format("bench-{}: no case begins so\n", about.name);
      return kWrongUse;
    }
    print(rows, options.format);
    return 0;
  } catch (const Interrupted&) {
    std::cerr << fmt::format("bench-{}: interrupted\n", about.name);
    return kInterrupted;
  } catch (const std::exception& error) {
    // Programs that were interrupted with us fail too; that is not news.
    const bool asked = watch.asked();
    std::cerr << fmt::format("bench-{}: {}\n", about.name, asked ? "interrupted" : error.what());
    return asked ? kInterrupted : kFailed;
  }
}

void progress(std::string_view text) { std::cerr << text << std::endl; }

bool interrupted() { return interruption != nullptr && interruption->asked(); }

void check_interruption() {
  if (interrupted()) throw Interrupted{};
}

void internal::throw_error(const Error& error) { throw std::runtime_error(error.message()); }

void must(const Result<void>& result) {
  if (!result) internal::throw_error(result.error());
}

}  // namespace sextant::bench
