// Outcome of a kernel call. No exception crosses this API.
#ifndef MASKPROOF_KERNELS_STATUS_H_
#define MASKPROOF_KERNELS_STATUS_H_

#include <string>
#include <utility>

namespace maskproof::kernels {

enum class StatusCode {
  kOk,
  kInvalidArgument,  // a tensor or attribute breaks the operator's contract
  kNotSupported,     // well formed, but a form this library does not implement
  kOutOfMemory,      // scratch memory could not be had
};

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(StatusCode code, std::string message) : code_(code), message_(std::move(message)) {}

  bool ok() const { return code_ == StatusCode::kOk; }
  StatusCode code() const { return code_; }
  // Names the tensor or attribute, what was expected and what came. Empty when ok().
  const std::string& message() const { return message_; }

 private:
  StatusCode code_ = StatusCode::kOk;
  std::string message_;
};

}  // namespace maskproof::kernels

#endif  // MASKPROOF_KERNELS_STATUS_H_
