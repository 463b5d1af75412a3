// From a subject's specification to the subject, inside the process at hand: what a worker does,
// and what MakeSubject does for our own subjects.
#ifndef MASKPROOF_PROPERTIES_SUBJECTS_PEERS_SPECIFICATION_H_
#define MASKPROOF_PROPERTIES_SUBJECTS_PEERS_SPECIFICATION_H_

#include <memory>
#include <string>
#include <string_view>

#include "properties/subjects/subject.h"

namespace maskproof::peers {

// "FAMILY:WHAT,threads=N,fully_masked=zero"; everything but the family may be absent.
struct Specification {
  std::string family;
  std::string what;
  int threads = 1;
  bool zero_fully_masked = false;  // for kernels alone
};

// False, with the reason, if an option is none.
bool ParseSpecification(std::string_view text, Specification& specification, std::string& error);

struct LocalSubject {
  std::unique_ptr<Subject> subject;  // null on failure
  std::string version;               // of the foreign library, if it is one
};

// Never isolates. For "onnxruntime", `what` is the path of the library.
LocalSubject MakeLocalSubject(const std::string& specification, std::string& error);

}  // namespace maskproof::peers

#endif  // MASKPROOF_PROPERTIES_SUBJECTS_PEERS_SPECIFICATION_H_
