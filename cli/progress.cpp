#include "cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "cli/results.h"

namespace maskproof::cli {
namespace {

constexpr double kSecondsBetweenUpdates = 0.2;
constexpr const char* kClearLine = "\r\033[K";

}  // namespace

ProgressLine::ProgressLine(bool enabled) : enabled_(enabled && isatty(STDERR_FILENO) == 1) {}

ProgressLine::~ProgressLine() {
  if (shown_) fmt::print(stderr, "{}", kClearLine);
}

void ProgressLine::Show(const CampaignProgress& progress) {
  if (!enabled_ || progress.seconds < shown_at_ + kSecondsBetweenUpdates) return;
  shown_ = true;
  shown_at_ = progress.seconds;
  const double rate = static_cast<double>(progress.cases) / progress.seconds;
  fmt::print(stderr, "{}{:.1f} s  {} cases ({:.0f}/s)  {} findings  {} undecided", kClearLine,
             progress.seconds, Grouped(progress.cases), rate, progress.findings,
             Grouped(progress.undecided));
  (void)std::fflush(stderr);
}

}  // namespace maskproof::cli
