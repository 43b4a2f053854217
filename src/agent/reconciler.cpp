#include "agent/reconciler.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "base/log.h"

namespace sextant::agent {
namespace {

using dataplane::ApplyProblem;

constexpr std::string_view kReconcile = "reconcile";
constexpr std::string_view kApply = "apply";
constexpr std::size_t kProblemsLogged = 20;

/// What is logged once, until it is gone.
std::set<std::string> texts(const std::vector<ApplyProblem>& problems) {
  std::set<std::string> all;
  for (const auto& problem : problems) all.insert(problem.object + ": " + problem.error.message());
  return all;
}

/// Logs what `now` has and `before` had not; a long list is cut.
template <typename Log>
void log_new(const std::set<std::string>& before, const std::set<std::string>& now,
             const Log& line) {
  std::vector<std::string> news;
  std::set_difference(now.begin(), now.end(), before.begin(), before.end(),
                      std::back_inserter(news));
  for (std::size_t i = 0; i < std::min(news.size(), kProblemsLogged); ++i) line(news[i]);
  if (news.size() > kProblemsLogged)
    line(std::to_string(news.size() - kProblemsLogged) + " more, see `sextant status`");
}

/// `onto` with the problems of one apply: newer words about an object replace older ones.
void merge(std::vector<ApplyProblem>& onto, const std::vector<ApplyProblem>& report) {
  std::set<std::string_view> objects;
  for (const auto& problem : report) objects.insert(problem.object);
  std::erase_if(onto, [&](const ApplyProblem& old) { return objects.contains(old.object); });
  onto.insert(onto.end(), report.begin(), report.end());
}

double milliseconds(Clock::duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

}  // namespace

Reconciler::Reconciler(overlay::Settings settings, std::unique_ptr<dataplane::Dataplane> dataplane)
    : settings_(settings), resolver_(std::move(settings)), dataplane_(std::move(dataplane)) {}

void Reconciler::take(const overlay::IntentChange& change) {
  const auto diff = resolver_.apply(change);
  if (!begun_ || diff.empty()) return;
  if (failure_) {  // the data plane does not hold what the diff starts from
    reconcile("a change after a failure");
    return;
  }
  record(kApply, "a change", [&] { return dataplane_->apply(diff); });
}

void Reconciler::begin() {
  if (begun_) return;
  begun_ = true;
  reconcile("start");
}

void Reconciler::reconcile(std::string_view why) {
  record(kReconcile, why, [&] { return dataplane_->reconcile(resolver_.forwarding()); });
}

template <typename Call>
void Reconciler::record(std::string_view kind, std::string_view why, const Call& call) {
  const auto time = std::chrono::system_clock::now();
  const auto started = Clock::now();
  const Result<dataplane::ApplyReport> report = call();
  const auto duration = Clock::now() - started;
  if (kind == kReconcile) reconcile_cost_ = duration;
  last_apply_ = LastApply{
      .time = time, .kind = kind, .writes = report ? report->writes : 0, .duration = duration};
  if (!report) {
    if (failure_ != report.error())
      log::error("{} ({}) failed: {}; forwarding stays as it is, to be tried again", kind, why,
                 report.error().message());
    failure_ = report.error();
    return;
  }
  if (failure_) log::info("{} works again", kind);
  failure_.reset();
  const auto before = texts(problems_);
  if (kind == kReconcile)
    problems_ = report->problems;
  else
    merge(problems_, report->problems);
  const auto now = texts(problems_);
  log_new(before, now, [](const std::string& text) { log::warn("not applied: {}", text); });
  log_new(now, before, [](const std::string& text) { log::info("no more: {}", text); });
  log::info("{} ({}): {} writes in {:.1f} ms{}", kind, why, report->writes, milliseconds(duration),
            report->ok() ? "" : ", with problems");
}

}  // namespace sextant::agent
