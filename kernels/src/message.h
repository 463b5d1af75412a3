// Refusals: which tensor or attribute is at fault, what was expected and what came.
#ifndef MASKPROOF_KERNELS_SRC_MESSAGE_H_
#define MASKPROOF_KERNELS_SRC_MESSAGE_H_

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "maskproof/kernels/status.h"

namespace maskproof::kernels {

std::string DimsText(std::span<const int64_t> dims);  // "(2,3)"

// "<name>: <what>"
Status Invalid(std::string_view name, std::string_view what);
Status NotSupported(std::string_view name, std::string_view what);
// "<name>: expected <expected>, got <got>"
Status Mismatch(std::string_view name, std::string_view expected, std::string_view got);
Status WrongShape(std::string_view name, std::string_view expected, std::span<const int64_t> got);

Status OutOfMemory();  // takes no memory itself

// kOk if `dims` are exactly `expected`.
Status ExpectShape(std::string_view name, std::span<const int64_t> dims,
                   std::initializer_list<int64_t> expected);
Status ExpectRank(std::string_view name, std::span<const int64_t> dims, int64_t rank);
// kOk if dims are countable and there is data for them.
Status ExpectData(std::string_view name, const void* data, std::span<const int64_t> dims);

}  // namespace maskproof::kernels

// Returns from the enclosing function unless the Status is ok.
#define MASKPROOF_RETURN_IF_ERROR(expression)              \
  do {                                                     \
    ::maskproof::kernels::Status status_of = (expression); \
    if (!status_of.ok()) return status_of;                 \
  } while (false)

#endif  // MASKPROOF_KERNELS_SRC_MESSAGE_H_
