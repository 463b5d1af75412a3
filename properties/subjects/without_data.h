// A call's arguments as they are known before there is any data: shapes alone. Enough to ask for
// the size of the workspace.
#ifndef MASKPROOF_PROPERTIES_SUBJECTS_WITHOUT_DATA_H_
#define MASKPROOF_PROPERTIES_SUBJECTS_WITHOUT_DATA_H_

#include "maskproof/kernels/attention.h"

namespace maskproof {

kernels::AttentionInputs WithoutData(kernels::AttentionInputs inputs);
kernels::QAttentionInputs WithoutData(kernels::QAttentionInputs inputs);
kernels::AttentionOutputs WithoutData(kernels::AttentionOutputs outputs);
kernels::CoreArguments WithoutData(kernels::CoreArguments arguments);

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_SUBJECTS_WITHOUT_DATA_H_
