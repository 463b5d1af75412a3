#include "cli/coverage.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "properties/recipe/coverage.h"

namespace maskproof::cli {

std::vector<OpCoverage> CoverageOf(const CampaignResult& campaign) {
  std::vector<bool> covered(CoverageBinCount());
  std::vector<Op> ops;
  for (const PairResult& pair : campaign.pairs) {
    if (std::ranges::find(ops, pair.op) == ops.end()) ops.push_back(pair.op);
    for (size_t bin = 0; bin < pair.covered.size(); ++bin) {
      if (pair.covered[bin]) covered[bin] = true;
    }
  }
  std::vector<OpCoverage> coverage;
  for (const Op op : ops) {
    OpCoverage& of_op = coverage.emplace_back();
    of_op.op = OpName(op);
    for (size_t bin = 0; bin < covered.size(); ++bin) {
      if (CoverageBinOp(bin) != op || !CoverageBinReachable(bin)) continue;
      ++of_op.reachable;
      if (covered[bin]) {
        ++of_op.reached;
      } else {
        of_op.missing.push_back(CoverageBinName(bin));
      }
    }
  }
  return coverage;
}

std::string CoverageText(const std::vector<OpCoverage>& coverage) {
  std::string text;
  for (const OpCoverage& of_op : coverage) {
    text += fmt::format("{}: {} of {} corners reached", of_op.op, of_op.reached, of_op.reachable);
    if (!of_op.missing.empty()) text += fmt::format(", not: {}", fmt::join(of_op.missing, "; "));
    text += '\n';
  }
  return text;
}

}  // namespace maskproof::cli
