#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "bench/svg.h"
#include "cli/power_results.h"

namespace maskproof::cli {
namespace {

constexpr double kLeft = 60.0;
constexpr double kTop = 56.0;
constexpr double kWidth = 560.0;
constexpr double kHeight = 300.0;
constexpr double kLegend = 190.0;
// The axis begins here: what is found sooner is found at once.
constexpr double kFirstSeconds = 0.001;

struct Line {
  Way way;
  const char* colour;
  std::string label;
};

// From processor time and a number of bugs to a place in the picture.
class Axes {
 public:
  Axes(double seconds, int64_t bugs)
      : span_(std::log(seconds / kFirstSeconds)),
        bugs_(static_cast<double>(std::max<int64_t>(bugs, 1))) {}
  double X(double seconds) const {
    return kLeft + kWidth * std::log(std::max(seconds, kFirstSeconds) / kFirstSeconds) / span_;
  }
  double Y(int64_t bugs) const {
    return kTop + kHeight * (1.0 - static_cast<double>(bugs) / bugs_);
  }

 private:
  double span_;
  double bugs_;
};

// A stair: one step up for every bug, at the time at which it was caught.
std::string Stair(const PowerResults& results, Way way, const Axes& axes) {
  std::vector<double> seconds;
  for (const PowerRow& row : results.rows) {
    const Hunt* const hunt = HuntOf(row, way);
    if (!row.control && hunt != nullptr && hunt->caught) seconds.push_back(hunt->seconds);
  }
  std::ranges::sort(seconds);
  std::string path = fmt::format("M{:.1f} {:.1f}", axes.X(kFirstSeconds), axes.Y(0));
  int64_t caught = 0;
  for (const double at : seconds) {
    path += fmt::format(" H{:.1f} V{:.1f}", axes.X(at), axes.Y(++caught));
  }
  return path + fmt::format(" H{:.1f}", axes.X(results.budget));
}

std::string Grid(const Axes& axes, double budget, int64_t bugs) {
  std::string svg;
  constexpr std::array kTicks = {0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0};
  for (const double tick : kTicks) {
    if (tick > budget) break;
    svg += bench::SvgLine(axes.X(tick), kTop, axes.X(tick), kTop + kHeight, "grid");
    svg += bench::SvgText(axes.X(tick), kTop + kHeight + 18.0, "middle", fmt::format("{:g}", tick));
  }
  svg += bench::SvgText(kLeft + kWidth / 2.0, kTop + kHeight + 36.0, "middle",
                        "seconds of processor time, for one bug");
  int64_t step = 1;
  if (bugs > 10) step = bugs > 40 ? 20 : 5;
  for (int64_t count = 0; count <= bugs; count += step) {
    svg += bench::SvgLine(kLeft, axes.Y(count), kLeft + kWidth, axes.Y(count), "grid");
    svg += bench::SvgText(kLeft - 8.0, axes.Y(count) + 4.0, "end", fmt::format("{}", count));
  }
  return svg;
}

}  // namespace

std::string PowerSvg(const PowerResults& results, const bench::MachineInfo& machine) {
  const int64_t bugs = Summarise(results, Way::kSuite).bugs;
  const Axes axes(results.budget, bugs);
  std::string svg = bench::SvgBegin(
      kLeft + kWidth + kLegend, kTop + kHeight + 48.0,
      "text{font:12px sans-serif} .grid{stroke:#ddd} path{fill:none;stroke-width:2.5}");
  svg += bench::SvgText(16.0, 20.0, "start",
                        fmt::format("maskproof power: planted bugs caught, of {}", bugs));
  svg += bench::SvgText(16.0, 38.0, "start", machine.processor);
  svg += Grid(axes, results.budget, bugs);
  const std::array<Line, 3> lines = {
      Line{.way = Way::kSuite, .colour = "#1f5fa8", .label = "suite"},
      Line{.way = Way::kVectors, .colour = "#c46210", .label = "vectors"},
      Line{.way = Way::kRandom, .colour = "#3a7d34", .label = "random, allclose 1e-3"}};
  for (const Line& line : lines) {
    if (!Tried(results, line.way)) continue;
    const int64_t caught = Summarise(results, line.way).caught;
    svg += fmt::format("<path d=\"{}\" stroke=\"{}\"/>\n", Stair(results, line.way, axes),
                       line.colour);
    svg += bench::SvgText(kLeft + kWidth + 8.0, axes.Y(caught) + 4.0, "start",
                          fmt::format("{}: {}", line.label, caught));
  }
  return svg + "</svg>\n";
}

}  // namespace maskproof::cli
