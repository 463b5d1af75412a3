#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "bench/report.h"
#include "bench/svg.h"

namespace maskproof::bench {
namespace {

constexpr double kLeft = 330.0;  // of the axis; the labels stand before it
constexpr double kWidth = 520.0;
constexpr double kTop = 64.0;
constexpr double kLine = 18.0;

// A line of the plot.
struct Mark {
  std::string label;
  double low = 0.0, middle = 0.0, high = 0.0;
};

class Axis {
 public:
  Axis(double low, double high) : low_(std::log(low)), span_(std::log(high) - std::log(low)) {}
  double At(double value) const { return kLeft + (kWidth * (std::log(value) - low_) / span_); }

 private:
  double low_;
  double span_;
};

std::string LabelOf(const Row& row) {
  std::string label = row.CaseName();
  if (row.contender != "kernels") label += fmt::format(" {}", row.contender);
  if (row.threads > 1) label += fmt::format(" x{}", row.threads);
  return label;
}

// Relative to the peer if anything is.
std::vector<Mark> MarksOf(const Results& results, std::string& title) {
  std::vector<Mark> marks;
  for (const Row& row : results.rows) {
    if (!row.ours || !row.speedup) continue;
    const Summary& ratio = row.speedup->summary;
    if (marks.empty()) title = fmt::format("speed relative to {}", row.speedup->to);
    marks.push_back({LabelOf(row), ratio.lower_quartile, ratio.median, ratio.upper_quartile});
  }
  if (!marks.empty()) return marks;
  title = "share of the FMA peak";
  for (const Row& row : results.rows) {
    if (!row.ours || !row.peak_share || *row.peak_share <= 0.0) continue;
    marks.push_back({LabelOf(row), *row.peak_share, *row.peak_share, *row.peak_share});
  }
  return marks;
}

}  // namespace

std::string ToSvg(const Results& results, const MachineInfo& machine) {
  std::string title;
  const std::vector<Mark> marks = MarksOf(results, title);
  double low = 0.5;
  double high = 2.0;
  for (const Mark& mark : marks) {
    low = std::min(low, mark.low * 0.9);
    high = std::max(high, mark.high * 1.1);
  }
  const Axis axis(low, high);
  const double bottom = kTop + (kLine * static_cast<double>(marks.size()));
  std::string svg = SvgBegin(kLeft + kWidth + 40.0, bottom + 30.0,
                             "text{font:12px sans-serif} .grid{stroke:#ddd} .one{stroke:#888} "
                             ".bar{stroke:#1f5fa8;stroke-width:3} circle{fill:#1f5fa8}");
  svg += SvgText(16.0, 20.0, "start", fmt::format("maskproof bench: {}", title));
  svg += SvgText(
      16.0, 38.0, "start",
      fmt::format("{}, {}; dot: median, bar: quartiles", machine.processor, machine.best_target));
  constexpr std::array kTicks = {0.01, 0.02, 0.05, 0.1,  0.2,   0.5,   1.0,  2.0,
                                 5.0,  10.0, 20.0, 50.0, 100.0, 200.0, 500.0};
  for (const double tick : kTicks) {
    if (tick < low || tick > high) continue;
    svg += SvgLine(axis.At(tick), kTop - 8.0, axis.At(tick), bottom, tick == 1.0 ? "one" : "grid");
    svg += SvgText(axis.At(tick), bottom + 16.0, "middle", fmt::format("{}", tick));
  }
  double y = kTop;
  for (const Mark& mark : marks) {
    svg += SvgText(kLeft - 8.0, y + 4.0, "end", mark.label);
    svg += SvgLine(axis.At(mark.low), y, axis.At(mark.high), y, "bar");
    svg += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\"/>\n", axis.At(mark.middle), y);
    y += kLine;
  }
  return svg + "</svg>\n";
}

}  // namespace maskproof::bench
