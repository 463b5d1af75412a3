// Cases in words and pictures.
#ifndef MASKPROOF_CLI_PICTURE_H_
#define MASKPROOF_CLI_PICTURE_H_

#include <string>

#include "properties/case/case.h"

namespace maskproof::cli {

// The attributes and the tensors, with types, dims and the first few elements.
std::string DescribeCase(const Case& c);

// "B=2 S=3 P=0 T=3 N=1 H=4 Hv=4 Di=5". The case must be valid.
std::string DescribeGeometry(const Case& c);

// One character per (query, key), '#' where the query sees the key and '.' where not; one block per
// batch, and per head where heads differ. Large masks are cut. The case must be valid.
std::string MaskPicture(const Case& c);

// The same for one row.
std::string RowPicture(const Case& c, int64_t batch, int64_t head, int64_t query);

// A float as people read it: shortest form that reads back the same.
std::string Number(double value);
// The same to so many significant digits.
std::string Rounded(double value, int digits);

}  // namespace maskproof::cli

#endif  // MASKPROOF_CLI_PICTURE_H_
