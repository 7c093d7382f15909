"""What clients and servers of models send each other, by the Open Inference Protocol, and how."""
