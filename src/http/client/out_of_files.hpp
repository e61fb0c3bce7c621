#pragma once
/// A want of this process, which says nothing of whoever should have been called.

#include <boost/system/error_code.hpp>

namespace market::http {

/// No descriptor is left for a socket or a look-up, here or in the whole system.
inline bool is_out_of_files(const boost::system::error_code& error) {
  return error == boost::system::errc::too_many_files_open ||
         error == boost::system::errc::too_many_files_open_in_system;
}

}  // namespace market::http
