// Which cases a version of ONNX Runtime can be asked at all. Reasons: docs/onnxruntime.md.
#ifndef MASKPROOF_PROPERTIES_SUBJECTS_PEERS_ONNXRUNTIME_SUPPORTS_H_
#define MASKPROOF_PROPERTIES_SUBJECTS_PEERS_ONNXRUNTIME_SUPPORTS_H_

#include <string>

#include "properties/subjects/peers/isolated_subject.h"

namespace maskproof::peers {

// `version` as the library gives it: "1.30.0".
Supports OnnxRuntimeSupports(const std::string& version);

// What that version makes of a mask.
DialectId OnnxRuntimeDialect(const std::string& version);

// The second number of a version, 0 if it has none.
int MinorVersion(const std::string& version);

}  // namespace maskproof::peers

#endif  // MASKPROOF_PROPERTIES_SUBJECTS_PEERS_ONNXRUNTIME_SUPPORTS_H_
