#pragma once
/// What a registration must be before it is handed to every client: complete, bounded, readable in each
/// format and by Java's classes, and of a form that fits what others do with it.

#include "wire/eureka/eureka_json.hpp"

namespace market::wire::eureka {

inline constexpr std::size_t host_bytes_max = 255;
inline constexpr std::size_t name_bytes_max = 1024;  ///< Ids, applications, groups, a list of VIPs.
inline constexpr std::size_t url_bytes_max = 2048;

/// Of one that comes from a client, a batch or a peer's list. Errors: validation and payload_too_large, which
/// name the member.
Result<> check_registration(const RegisteredInstance& instance);
/// What a caller uses of it: its names, its host and its address. Errors as above.
Result<> check_names_and_hosts(const RegisteredInstance& instance);
/// Characters and, of `health`, the form; not the size. Errors: validation.
Result<> check_metadata_texts(const registry::Metadata& metadata);
/// Whether it can be an application or an id in a path and in a log line.
bool is_path_name(std::string_view name);

}  // namespace market::wire::eureka
