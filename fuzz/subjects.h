// The implementations under test, made once per process.
#ifndef MASKPROOF_FUZZ_SUBJECTS_H_
#define MASKPROOF_FUZZ_SUBJECTS_H_

#include <memory>
#include <string>
#include <vector>

#include "properties/subjects/subject.h"

namespace maskproof::fuzz {

// "kernels", "kernels:TARGET", "kernels:TARGET,threads=N", "planted:NAME", "planted:none": what
// runs in this process. Null, with the reason in `error`, for anything else.
std::unique_ptr<Subject> MakeInProcessSubject(const std::string& specification, std::string& error);

// The one that MASKPROOF_FUZZ_SUBJECT names, or our kernels on every SIMD target of this machine.
// Ends the process if the variable names none.
const std::vector<std::unique_ptr<Subject>>& FuzzSubjects();

}  // namespace maskproof::fuzz

#endif  // MASKPROOF_FUZZ_SUBJECTS_H_
