// Which corners of the space of recipes a campaign has reached (properties/recipe/coverage.h).
#ifndef MASKPROOF_CLI_COVERAGE_H_
#define MASKPROOF_CLI_COVERAGE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "cli/campaign.h"

namespace maskproof::cli {

struct OpCoverage {
  std::string op;
  int64_t reached = 0;
  int64_t reachable = 0;
  std::vector<std::string> missing;  // names of the bins that were not reached
};

// One for each operator of the campaign, which must have kept its coverage.
std::vector<OpCoverage> CoverageOf(const CampaignResult& campaign);

// "Core: 170 of 174 corners reached, not: ..."; one line each.
std::string CoverageText(const std::vector<OpCoverage>& coverage);

}  // namespace maskproof::cli

#endif  // MASKPROOF_CLI_COVERAGE_H_
