// A subject whose code runs in a child process: whatever it does there (crash, hang, eat memory,
// damage its heap) is an outcome here, and the next case gets a fresh process.
#ifndef MASKPROOF_PROPERTIES_SUBJECTS_PEERS_ISOLATED_SUBJECT_H_
#define MASKPROOF_PROPERTIES_SUBJECTS_PEERS_ISOLATED_SUBJECT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "properties/subjects/subject.h"

namespace maskproof::peers {

struct IsolationOptions {
  int start_milliseconds = 60'000;            // to load the subject
  int run_milliseconds = 10'000;              // for one case
  uint64_t memory_bytes = uint64_t{2} << 30;  // on top of what the process has after loading
};

// The defaults, with MASKPROOF_CASE_SECONDS and MASKPROOF_CASE_MEMORY_MIB of the environment
// applied. False, with a message, if they are no positive numbers.
bool OptionsFromEnvironment(IsolationOptions& options, std::string& error);

using Supports = std::function<bool(const Case&)>;
// Tells what the subject can express, from the version of the foreign library that the worker has
// found. Evaluated in this process, since it is asked often.
using SupportsOfVersion = std::function<Supports(const std::string& version)>;

// `name` is the subject's own; `specification` is what the worker is started with. Null with the
// reason if the worker cannot be started or cannot make the subject. Not for several threads at
// once.
std::unique_ptr<Subject> MakeIsolatedSubject(const std::string& name,
                                             const std::string& specification,
                                             const SupportsOfVersion& supports,
                                             const IsolationOptions& options, std::string& error);

}  // namespace maskproof::peers

#endif  // MASKPROOF_PROPERTIES_SUBJECTS_PEERS_ISOLATED_SUBJECT_H_
