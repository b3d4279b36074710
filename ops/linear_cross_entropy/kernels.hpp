// What the two ops of ops/linear_cross_entropy.cpp are made of; `gradients` is the one that has dx and dW.
#pragma once
#include <optional>

#include "core/graph/op.hpp"

namespace isorbit::ops::head {

[[nodiscard]] core::Lowered lower(const core::Lower& x, bool gradients);
void reference(const core::Ref& x, bool gradients);

/// The graph's nodes that an op stands for, from the cross_entropy or the cross_entropy_grad among them.
[[nodiscard]] std::optional<core::Fusion> fuse_loss(const core::Uses& uses, core::NodeId root);
[[nodiscard]] std::optional<core::Fusion> fuse_gradients(const core::Uses& uses, core::NodeId root);

}  // namespace isorbit::ops::head
