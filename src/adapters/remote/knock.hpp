#pragma once
/// A knock at the door between instances (tcp_command_link.hpp), by a command that is no instance.

#include <string>

#include "wire/auth/secret_text.hpp"

namespace market::remote {

/// Whether a door that knows the secret answers there within two seconds. Blocks. Whoever else listens at an
/// address that an instance once had is nobody.
bool answers(const std::string& address, const wire::SecretKey& secret);

}  // namespace market::remote
