// One line on the terminal that says how a campaign is getting on.
#ifndef MASKPROOF_CLI_PROGRESS_H_
#define MASKPROOF_CLI_PROGRESS_H_

#include "cli/campaign.h"

namespace maskproof::cli {

class ProgressLine {
 public:
  // Writes to standard error, and only if that is a terminal and `enabled`.
  explicit ProgressLine(bool enabled);
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ProgressLine(ProgressLine&&) = delete;
  ProgressLine& operator=(ProgressLine&&) = delete;

  void Show(const CampaignProgress& progress);

 private:
  bool enabled_;
  bool shown_ = false;
  double shown_at_ = 0.0;
};

}  // namespace maskproof::cli

#endif  // MASKPROOF_CLI_PROGRESS_H_
