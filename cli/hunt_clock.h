// Processor time of a hunt: of this process, and of the process that an isolated subject runs in.
#ifndef MASKPROOF_CLI_HUNT_CLOCK_H_
#define MASKPROOF_CLI_HUNT_CLOCK_H_

#include "bench/stopwatch.h"
#include "properties/subjects/subject.h"

namespace maskproof::cli {

class HuntClock {
 public:
  // Counts from here on.
  explicit HuntClock(const Subject& subject)
      : subject_(&subject), elsewhere_before_(subject.ProcessorSecondsElsewhere()) {}

  double Seconds() const {
    return here_.Seconds() + subject_->ProcessorSecondsElsewhere() - elsewhere_before_;
  }

 private:
  const Subject* subject_;
  double elsewhere_before_;
  bench::Stopwatch here_{bench::TimeKind::kProcessor};
};

}  // namespace maskproof::cli

#endif  // MASKPROOF_CLI_HUNT_CLOCK_H_
