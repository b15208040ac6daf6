"""Message definitions as MCAP schema records want them (encoding ros2msg)."""

_SEPARATOR = "=" * 80

_HEADER = f"""
{_SEPARATOR}
MSG: std_msgs/Header
builtin_interfaces/Time stamp
string frame_id

{_SEPARATOR}
MSG: builtin_interfaces/Time
int32 sec
uint32 nanosec
"""

POINT_CLOUD_2 = f"""std_msgs/Header header
uint32 height
uint32 width
sensor_msgs/PointField[] fields
bool is_bigendian
uint32 point_step
uint32 row_step
uint8[] data
bool is_dense

{_SEPARATOR}
MSG: sensor_msgs/PointField
uint8 INT8=1
uint8 UINT8=2
uint8 INT16=3
uint8 UINT16=4
uint8 INT32=5
uint8 UINT32=6
uint8 FLOAT32=7
uint8 FLOAT64=8
string name
uint32 offset
uint8 datatype
uint32 count
{_HEADER}"""
