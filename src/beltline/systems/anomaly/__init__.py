"""Things concealed in electronics: found in a device as a whole, in its parts, or in every place of it."""
