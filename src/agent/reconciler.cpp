#include "agent/reconciler.h"

#include <malloc.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/log.h"

namespace sextant::agent {
namespace {

using dataplane::ApplyProblem;

constexpr std::string_view kReconcile = "reconcile";
constexpr std::string_view kApply = "apply";
constexpr std::size_t kProblemsLogged = 20;

/// What is logged once, until it is gone: by its text.
using ProblemTexts = std::map<std::string, ApplyProblem>;
ProblemTexts texts(const std::vector<ApplyProblem>& problems) {
  ProblemTexts all;
  for (const auto& problem : problems)
    all.emplace(problem.object + ": " + problem.error.message(), problem);
  return all;
}

/// Logs what `now` has and `before` had not; a long list is cut.
template <typename Line, typename Rest>
void log_new(const ProblemTexts& before, const ProblemTexts& now, const Line& line,
             const Rest& rest) {
  std::size_t news = 0;
  for (const auto& [text, problem] : now)
    if (!before.contains(text) && ++news <= kProblemsLogged) line(text, problem);
  if (news > kProblemsLogged) rest(news - kProblemsLogged);
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

std::string_view to_string(Reason reason) {
  switch (reason) {
    case Reason::kChange:
      return "a change";
    case Reason::kStart:
      return "start";
    case Reason::kChangeAfterFailure:
      return "a change after a failure";
    case Reason::kDamage:
      return "somebody changed what Sextant owns";
    case Reason::kRetry:
      return "a retry";
  }
  return "";
}

Reconciler::Reconciler(overlay::Settings settings, std::unique_ptr<dataplane::Dataplane> dataplane,
                       ApplyObserver observer)
    : settings_(settings),
      resolver_(std::move(settings)),
      dataplane_(std::move(dataplane)),
      observer_(std::move(observer)) {}

void Reconciler::take(const overlay::IntentChange& change) {
  auto diff = resolver_.apply(change);
  lingering_.hold_back(diff, Clock::now());
  if (!begun_ || diff.empty()) return;
  if (failure_) {  // the data plane does not hold what the diff starts from
    reconcile(Reason::kChangeAfterFailure);
    return;
  }
  record(kApply, Reason::kChange, false, [&] { return dataplane_->apply(diff); });
}

void Reconciler::begin() {
  if (begun_) return;
  begun_ = true;
  reconcile(Reason::kStart);
}

void Reconciler::reconcile(Reason reason, bool quiet) {
  record(kReconcile, reason, quiet, [&] {
    if (!lingering_.next()) return dataplane_->reconcile(resolver_.forwarding());
    auto wanted = resolver_.forwarding();
    lingering_.add_to(wanted);
    return dataplane_->reconcile(wanted);
  });
  ::malloc_trim(0);  // reading everything took memory that nothing needs before the next time
}

void Reconciler::expire_lingering(Clock::time_point now) {
  const auto diff = lingering_.expired(now);
  if (diff.empty() || !begun_) return;
  if (failure_) {
    reconcile(Reason::kChangeAfterFailure);
    return;
  }
  record(kApply, Reason::kChange, false, [&] { return dataplane_->apply(diff); });
}

template <typename Call>
void Reconciler::record(std::string_view kind, Reason reason, bool quiet, const Call& call) {
  const auto time = std::chrono::system_clock::now();
  const auto started = Clock::now();
  const Result<dataplane::ApplyReport> report = call();
  const auto duration = Clock::now() - started;
  if (kind == kReconcile) reconcile_cost_ = duration;
  last_apply_ = LastApply{.time = time,
                          .kind = kind,
                          .reason = reason,
                          .writes = report ? report->writes : 0,
                          .duration = duration};
  if (observer_) observer_(*last_apply_, report);
  const auto why = to_string(reason);
  if (!report) {
    if (failure_ != report.error())
      log::error({{"kind", kind}, {"reason", why}, {"error", report.error()}},
                 "{} ({}) failed: {}; forwarding stays as it is, to be tried again", kind, why,
                 report.error().message());
    failure_ = report.error();
    return;
  }
  if (failure_) log::info({{"kind", kind}}, "{} works again", kind);
  failure_.reset();
  const auto before = texts(problems_);
  if (kind == kReconcile)
    problems_ = report->problems;
  else
    merge(problems_, report->problems);
  const auto now = texts(problems_);
  log_new(
      before, now,
      [](const std::string& text, const ApplyProblem& problem) {
        log::warn({{"object", problem.object}, {"error", problem.error}}, "not applied: {}", text);
      },
      [](std::size_t more) { log::warn("not applied: {} more, see `sextant status`", more); });
  log_new(
      now, before,
      [](const std::string& text, const ApplyProblem& problem) {
        log::info({{"object", problem.object}}, "no more: {}", text);
      },
      [](std::size_t more) { log::info("no more: {} more, see `sextant status`", more); });
  if (quiet && report->ok()) return;
  log::info({{"kind", kind},
             {"reason", why},
             {"writes", report->writes},
             {"durationMs", milliseconds(duration)},
             {"problems", report->problems.size()}},
            "{} ({}): {} writes in {:.1f} ms{}", kind, why, report->writes, milliseconds(duration),
            report->ok() ? "" : ", with problems");
}

}  // namespace sextant::agent
