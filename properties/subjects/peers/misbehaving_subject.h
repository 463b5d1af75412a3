// Subjects that copy their input to their output, and misbehave on cases with an odd salt: what the
// isolation is tested with.
#ifndef MASKPROOF_PROPERTIES_SUBJECTS_PEERS_MISBEHAVING_SUBJECT_H_
#define MASKPROOF_PROPERTIES_SUBJECTS_PEERS_MISBEHAVING_SUBJECT_H_

#include <memory>
#include <string>

#include "properties/subjects/subject.h"

namespace maskproof::peers {

// "echo" never misbehaves; "crash", "abort", "exit", "hang", "allocate", "corrupt" do at once;
// "late-crash" answers, and dies of the next case. Null for any other kind.
std::unique_ptr<Subject> MakeMisbehavingSubject(const std::string& kind);

}  // namespace maskproof::peers

#endif  // MASKPROOF_PROPERTIES_SUBJECTS_PEERS_MISBEHAVING_SUBJECT_H_
