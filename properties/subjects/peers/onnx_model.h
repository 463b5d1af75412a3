// A case's operator as an ONNX model of one node, in the wire format of ONNX's protobuf messages.
// Every tensor is an input of the graph, without a shape: one model serves cases of all sizes.
#ifndef MASKPROOF_PROPERTIES_SUBJECTS_PEERS_ONNX_MODEL_H_
#define MASKPROOF_PROPERTIES_SUBJECTS_PEERS_ONNX_MODEL_H_

#include <span>
#include <string>

#include "properties/case/case.h"

namespace maskproof::peers {

// Inputs of the operator in its schema's order. Empty for Core, which is no ONNX operator.
std::span<const TensorId> OperatorInputs(Op op);

// Graph inputs are named like the case's tensors, outputs "output" and, if wanted, "present".
std::string EncodeModel(const Case& c);

}  // namespace maskproof::peers

#endif  // MASKPROOF_PROPERTIES_SUBJECTS_PEERS_ONNX_MODEL_H_
